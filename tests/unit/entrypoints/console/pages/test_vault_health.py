"""How a key is, in few words: worst first, and what was never asked is never said to be good."""

from typing import Any

import pytest

from watchword.entrypoints.console.pages.vault_health import EXPIRY_DAYS, OLD_US, Health, counted, health_of
from watchword.entrypoints.console.routes.vault import CredentialView
from watchword.entrypoints.console.routes.vault_checks import CheckView
from watchword.vault.checkup import CheckReport

NOW_US = 2 * OLD_US


def credential(**more: Any) -> CredentialView:
    usual: dict[str, Any] = {
        "id": "cred-1", "label": "main", "upstream": "live", "key_type": "HMAC", "api_key": "k", "permissions": [],
        "public_key": "", "fingerprint": "", "created_us": 1, "notes": "", "state": "in vault",
    }  # fmt: skip
    return CredentialView(**{**usual, **more})


def found(at_us: int = NOW_US, **more: Any) -> Health:
    report = CheckReport(
        **{
            "id": "cred-1",
            "label": "main",
            "upstream": "live",
            "accepted": True,
            "ip_restricted": True,
            **more,
        }
    )
    return health_of(credential(), CheckView("cred-1", at_us, report), NOW_US)


def texts(health: Health) -> list[str]:
    return [mark.text for mark in health.marks]


@pytest.mark.parametrize(
    ("more", "level", "words"),
    [
        ({}, "good", ["Good"]),
        ({"accepted": None, "findings": ("no answer",)}, "warn", ["Not reached"]),
        ({"accepted": False, "code": -2015}, "bad", ["Deleted or blocked there"]),
        ({"accepted": False, "code": -1022}, "bad", ["Wrong secret"]),
        ({"accepted": False, "code": -9999}, "bad", ["Refused there"]),
        ({"ip_restricted": False}, "warn", ["Any IP"]),
        ({"undeclared": ("FUTURES",)}, "warn", ["May do more"]),
        ({"missing": ("FUTURES",)}, "warn", ["May do less"]),
        ({"clock_offset_ms": -1_001}, "warn", ["Clock off"]),
        ({"clock_offset_ms": 1_000}, "good", ["Good"]),
        ({"days_until_expiry": EXPIRY_DAYS + 1}, "good", ["Good"]),
        ({"days_until_expiry": EXPIRY_DAYS}, "warn", [f"Trading ends in {EXPIRY_DAYS} days"]),
        ({"days_until_expiry": 1}, "bad", ["Trading ends in 1 day"]),
        ({"days_until_expiry": -1}, "bad", ["Trading ended"]),
        (
            {"ip_restricted": False, "withdrawals": True, "undeclared": ("WITHDRAWALS",)},
            "bad",
            ["Withdrawals on", "Any IP"],
        ),
    ],
)
def test_what_a_check_found_is_said_worst_first(more: dict[str, Any], level: str, words: list[str]) -> None:
    health = found(**more)
    assert (health.level, texts(health)) == (level, words)


def test_key_nobody_checked_and_key_that_cannot_be_are_not_good() -> None:
    assert health_of(credential(), None, NOW_US).level == "never"
    for one in (credential(api_key=""), credential(state="waiting")):
        assert health_of(one, None, NOW_US) == Health("none")


def test_old_check_is_said_to_be_old() -> None:
    assert not found(NOW_US - OLD_US).is_old
    assert found(NOW_US - OLD_US - 1).is_old


def test_levels_are_counted_worst_first_and_only_those_that_are_there() -> None:
    levels = [Health("good"), Health("bad"), Health("good"), Health("none")]
    assert counted(levels) == [("bad", "Broken", 1), ("good", "Good", 2)]
