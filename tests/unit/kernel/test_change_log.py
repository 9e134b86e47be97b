"""What changed lately, by name: newest first, once each, and never silently incomplete."""

from watchword.kernel.change_log import ChangeLog


def test_each_name_is_told_once_newest_first() -> None:
    log = ChangeLog(1)
    for name in ("a", "b", "a", "c"):
        log.mark(name)
    assert log.after(0) == ["c", "a", "b"]
    assert log.after(2) == ["c", "a"]
    assert log.after(log.count) == []


def test_number_of_no_answer_is_said_to_be_unknown() -> None:
    log = ChangeLog(1)
    log.mark("a")
    assert log.after(-1) is None
    assert log.after(2) is None


def test_what_was_forgotten_is_said_to_be() -> None:
    log = ChangeLog(1, names_max=2)
    for name in ("a", "b", "c"):
        log.mark(name)
    assert log.after(0) is None
    assert log.after(1) == ["c", "b"]
