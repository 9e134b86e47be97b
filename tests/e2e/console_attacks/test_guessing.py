"""Brute force on a real console: passwords, apps' codes, recovery codes, tokens; one after another and all at once.

Every test guesses at somebody of its own. What guesses share is the address: it may be wrong `ADDRESS_FAILURES_FREE` times
before it waits, so the tests of this module's console are wrong 19 times together, and the address's bound has its own.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.support.attacked_console import AttackedConsole, attacked_console
from tests.support.console_process import PASSWORD, Answered

from watchword.accounts.lockout import ADDRESS_FAILURES_FREE, PERSON_FAILURES_FREE

AT_ONCE = 12
TRAIL_WAIT_S = 10.0
WRONG = "not the password of anybody"
#: Hashing takes a tenth of a second; this is what an answer without one would take many times over.
SAME_COST_RATIO = (0.67, 1.5)


def all_at_once(call: Callable[[int], Answered], count: int = AT_ONCE) -> list[Answered]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(count)))


def told(answer: Answered) -> dict[str, Any]:
    """What somebody learns from an answer."""
    return {**answer.json, "request": "", "status": answer.status}


def refusals(target: AttackedConsole, rule: str, name: str, expected: int) -> int:
    """How many rows of the trail say that somebody was refused by a rule; refusals reach it a moment later."""
    deadline, count = time.monotonic() + TRAIL_WAIT_S, -1
    while count < expected and time.monotonic() < deadline:
        found = target.owner.audit_rows(trail="console", rule=rule)
        count = sum(row["event"]["values"].get("person") == name for row in found)
    return count


def test_passwords_guessed_all_at_once_are_judged_five_times(target: AttackedConsole) -> None:
    body = {"login": "tina", "password": WRONG}
    answers = all_at_once(lambda _: target.console.call("POST", "/sign-in", "", body))
    right = target.console.call("POST", "/sign-in", "", {"login": "tina", "password": PASSWORD})
    unknown = target.console.call("POST", "/sign-in", "", {"login": "nobody", "password": WRONG})
    assert {answer.status for answer in answers} == {401}
    assert all(told(answer) == told(unknown) for answer in (*answers, right))
    assert refusals(target, "sign-in:password_wrong", "tina", PERSON_FAILURES_FREE) == PERSON_FAILURES_FREE
    # The right password is among those that are not judged.
    unjudged = AT_ONCE - PERSON_FAILURES_FREE + 1
    assert refusals(target, "sign-in:locked", "tina", unjudged) == unjudged
    # Somebody else at the same address is not locked out by it.
    assert target.password_shown("tom")


def test_codes_guessed_all_at_once_are_judged_five_times_and_the_right_one_no_more(
    target: AttackedConsole,
) -> None:
    token = target.password_shown("tom")

    def show(kind: str, code: str, path: str = "/sign-in/factor") -> Answered:
        return target.console.call("POST", path, token, {"attempt": {"type": kind, "code": code}})

    answers = all_at_once(lambda number: show("totp" if number % 2 else "recovery", f"{number:06d}"))
    assert {answer.status for answer in answers} == {403}
    right = show("totp", target.people["tom"].code())
    assert told(right) == told(answers[0])
    assert refusals(target, "sign-in:factor_wrong", "tom", PERSON_FAILURES_FREE) == PERSON_FAILURES_FREE
    # A session that is open already guesses no further, and a right password buys no fresh tries.
    stepped = target.people["tom"].call("POST", "/step-up", {"attempt": {"type": "totp", "code": "000000"}})
    assert stepped.code == "factor-refused"
    assert target.console.call("POST", "/sign-in", "", {"login": "tom", "password": PASSWORD}).status == 401
    assert target.people["tom"].call("GET", "/self").status == 200


def test_right_code_brought_by_many_at_once_lets_one_in(target: AttackedConsole) -> None:
    uma = target.people["uma"]
    tokens = [target.password_shown("uma") for _ in range(3)]
    body = {"attempt": {"type": "totp", "code": uma.code()}}
    answers = all_at_once(
        lambda number: target.console.call("POST", "/sign-in/factor", tokens[number], body), 3
    )
    assert Counter(answer.status for answer in answers) == {200: 1, 403: 2}


def test_recovery_code_brought_by_many_at_once_lets_one_in(target: AttackedConsole) -> None:
    (code, *_) = target.people["adam"].call("POST", "/self/recovery-codes").json["codes"]
    tokens = [target.password_shown("adam") for _ in range(2)]
    body = {"attempt": {"type": "recovery", "code": code}}
    answers = all_at_once(
        lambda number: target.console.call("POST", "/sign-in/factor", tokens[number], body), 2
    )
    assert Counter(answer.status for answer in answers) == {200: 1, 403: 1}


def test_present_password_is_not_guessed_by_who_took_over_a_session(target: AttackedConsole) -> None:
    uma = target.people["uma"]
    wrong = {"present": WRONG, "password": "an even longer passphrase"}
    answers = all_at_once(lambda _: uma.call("PUT", "/self/password", wrong))
    right = uma.call("PUT", "/self/password", {**wrong, "present": PASSWORD})
    assert {answer.status for answer in (*answers, right)} == {422}
    assert told(right) == told(answers[0])


def test_wrong_passwords_from_one_address_over_many_names_end_for_all_names(tmp_path: Path) -> None:
    with attacked_console(tmp_path, names=("tom",)) as made:
        names = [f"made-up-{number}" for number in range(ADDRESS_FAILURES_FREE - 1)]
        answers = [
            made.console.call("POST", "/sign-in", "", {"login": name, "password": WRONG})
            for name in (*names, "tom")
        ]
        locked = made.console.call("POST", "/sign-in", "", {"login": "tom", "password": PASSWORD})
        assert {str(told(answer)) for answer in answers} == {str(told(locked))}
        assert locked.status == 401
        # Who is in already goes on.
        assert made.people["tom"].call("GET", "/self").status == 200


def test_enrolment_token_is_good_once_though_many_bring_it_at_once(target: AttackedConsole) -> None:
    body = {"token": target.enrolment_of("race", "trader"), "password": PASSWORD}
    answers = all_at_once(lambda _: target.console.call("POST", "/enrolment", "", body), 6)
    assert Counter(answer.status // 100 for answer in answers) == {2: 1, 4: 5}


def test_made_up_tokens_are_answered_alike_and_bounded(tmp_path: Path) -> None:
    with attacked_console(tmp_path, "--limits-scale", "1", names=()) as narrow:
        texts = [
            marker + "A" * length for marker in ("wws_", "wwt_", "wwe_", "") for length in (0, 42, 43, 200)
        ]
        answers = [narrow.console.call("GET", "/self", text) for text in texts]
        assert len({str(told(answer)) for answer in answers}) == 1
        assert answers[0].status == 401
        guesses = [narrow.console.call("GET", "/self", f"wws_{number:043d}").status for number in range(240)]
        assert set(guesses) == {401, 429}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_unknown_people_take_as_long_as_known_ones_by_the_clock(tmp_path: Path) -> None:
    spent: dict[str, list[float]] = {"known": [], "unknown": []}
    with attacked_console(tmp_path) as made:
        # Within the free tries of the address, which is then restarted: the lock-out lives in memory.
        for number in range(ADDRESS_FAILURES_FREE // 2 - 2):
            for kind, name in (("known", list(made.people)[number % 4]), ("unknown", f"nobody-{number}")):
                began = time.perf_counter()
                made.console.call("POST", "/sign-in", "", {"login": name, "password": WRONG})
                spent[kind].append(time.perf_counter() - began)
    ratio = statistics.median(spent["known"]) / statistics.median(spent["unknown"])
    assert SAME_COST_RATIO[0] < ratio < SAME_COST_RATIO[1], spent
