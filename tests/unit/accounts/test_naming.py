import pytest

from watchword.accounts.model import AGENT_LENGTH_MAX
from watchword.accounts.naming import (
    label_refused,
    mail_refused,
    name_refused,
    phone_refused,
    subject_refused,
    tidy_agent,
)


@pytest.mark.parametrize("name", ["an", "ana", "ana.torres", "a-1_b", "9to5", "a" * 32])
def test_name_in_form_is_taken(name: str) -> None:
    assert name_refused(name) is None


@pytest.mark.parametrize(
    "name", ["", "a", "Ana", ".ana", "-ana", "ana torres", "ana\n", "ána", "a" * 33, "ana@x", "ana/../x"]
)
def test_name_out_of_form_is_refused(name: str) -> None:
    assert name_refused(name) is not None


@pytest.mark.parametrize(
    "mail", ["a@b", "ana@example.org", "a+b.c@sub.example.co", "a" * 64 + "@example.org"]
)
def test_mail_in_form_is_taken(mail: str) -> None:
    assert mail_refused(mail) is None


@pytest.mark.parametrize(
    "mail",
    [
        "",
        "ana",
        "@example.org",
        "ana@",
        "Ana@example.org",
        "ana@example.org\r\nBcc: all@example.org",
        "ana@example.org\n",
        "ana@-example.org",
        "ana@example..org",
        "a b@example.org",
        "<ana@example.org>",
        "ana@example.org,ben@example.org",
        "a" * 65 + "@example.org",
        "a@" + ".".join(["b" * 60] * 5),
    ],
)
def test_mail_out_of_form_is_refused(mail: str) -> None:
    assert mail_refused(mail) is not None


@pytest.mark.parametrize(
    ("phone", "taken"),
    [
        ("+4930123456", True),
        ("+1234567", True),
        ("+123456789012345", True),
        ("+1234567890123456", False),
        ("+123456", False),
        ("+0123456789", False),
        ("4930123456", False),
        ("+49 30 123456", False),
        ("+49301234५", False),
        ("+4930123456\n", False),
    ],
)
def test_phone_is_plus_and_seven_to_fifteen_digits(phone: str, *, taken: bool) -> None:
    assert (phone_refused(phone) is None) is taken


@pytest.mark.parametrize(
    ("label", "taken"),
    [("phone", True), ("x" * 64, True), ("x" * 65, False), ("", False), (" x", False), ("a\nb", False)],
)
def test_label_is_one_short_line(label: str, *, taken: bool) -> None:
    assert (label_refused(label) is None) is taken


@pytest.mark.parametrize(
    ("subject", "taken"),
    [("vk-Ab12", True), ("x" * 64, True), ("x" * 65, False), ("", False), ("a b", False), ("../x", False)],
)
def test_subject_is_an_id(subject: str, *, taken: bool) -> None:
    assert (subject_refused(subject) is None) is taken


def test_agent_is_cut_and_printable() -> None:
    assert (
        tidy_agent("Fire\r\nfox\x1b[31m" + "x" * 1_000) == ("Fire??fox?[31m" + "x" * 1_000)[:AGENT_LENGTH_MAX]
    )
