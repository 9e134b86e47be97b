"""Rows of the audit trails as they are said to people."""

from watchword.entrypoints.console.pages.audit_words import members

AT_US = 1_795_268_000_226_000


def test_row_says_its_own_members_first_and_inner_ones_under_their_names() -> None:
    row = {
        "type": "signature:intended",
        "key": "vk-1",
        "parameters": {"side": "BUY"},
        "ip": "127.0.0.1",
        "reason": "",
    }
    assert members(row) == [("", [("key", "vk-1"), ("ip", "127.0.0.1")]), ("Parameters", [("side", "BUY")])]


def test_moments_are_written_as_moments_and_spans_as_they_are() -> None:
    ((_, own), (title, inner)) = members(
        {"deadline_us": AT_US, "elapsed_us": 3_000, "reserved": {"at_us": AT_US}}
    )
    assert own == [("deadline", "2026-11-21 13:33:20 UTC"), ("elapsed us", "3000")]
    assert (title, inner) == ("Reserved", [("at", "2026-11-21 13:33:20 UTC")])
