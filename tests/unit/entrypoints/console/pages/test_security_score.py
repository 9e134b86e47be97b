"""The score: adds up, says what lacks and where it is mended."""

from typing import Any

import pytest

from watchword.entrypoints.console.pages.security_score import FULL_POINTS, Standing, score

BEST: dict[str, Any] = {"kinds": ["totp", "webauthn"], "codes_left": 10}


@pytest.mark.parametrize(
    ("changed", "points"),
    [
        ({}, 100),
        ({"codes_left": 3}, 100),
        ({"codes_left": 2}, 88),
        ({"kinds": ["totp"]}, 77),
        ({"kinds": ["webauthn"]}, 92),
        ({"kinds": ["mail", "sms"]}, 55),
        ({"kinds": ["mail"]}, 47),
        ({"sessions": 5}, 100),
        ({"sessions": 6}, 95),
        ({"oldest_session_hours": 7}, 100),
        ({"oldest_session_hours": 8}, 95),
        ({"sessions": 6, "oldest_session_hours": 8}, 95),
        ({"failed": 1}, 95),
        ({"password_days": 365}, 100),
        ({"password_days": 366}, 95),
        ({"mail": "unconfirmed"}, 92),
        ({"mail": "unsendable"}, 100),
        ({"tokens_open": 1}, 94),
        ({"tokens_over": 2}, 94),
        ({"virtual_open": 1}, 94),
        ({"virtual_open": None}, 100),
        ({"kinds": ["mail"], "virtual_open": None, "mail": "unsendable"}, 33),
        (
            {
                "kinds": ["sms"], "codes_left": 0, "sessions": 9, "failed": 3, "password_days": 999, "mail": "unconfirmed",
                "tokens_open": 1, "virtual_open": 2,
            },
            0,
        ),
    ],
)  # fmt: skip
def test_score_adds_up_and_every_lack_has_its_fix(changed: dict[str, Any], points: int) -> None:
    found = score(Standing(**(BEST | changed)))
    assert found.points == points
    assert sum(reason.points for reason in found.reasons) == FULL_POINTS
    assert all(bool(reason.fix and reason.link) != reason.holds for reason in found.reasons)
    assert found.level == ("good" if points >= 80 else "fair" if points >= 50 else "weak")


def test_lack_that_gives_no_points_is_still_said() -> None:
    lacks = [one for one in score(Standing(**BEST, mail="unsendable")).reasons if not one.holds]
    assert [(one.points, one.link) for one in lacks] == [(0, "/security#contact")]
