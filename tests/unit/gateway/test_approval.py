"""One approval: which requests are the same, and whose word counts when."""

from typing import Any

import msgspec
import pytest
from tests.support.policies import NOW_US

from watchword.gateway.approval import (
    CLOCKS_APART_US_MAX,
    DECISION_AGE_US_MAX,
    FACTOR_AGE_US_MAX,
    Approval,
    Objection,
    judged,
    request_digest,
)
from watchword.gateway.approval_statement import Statement
from watchword.policy.decision import Demand

KEY = "vk-abcdefghijkl"
PARAMS = {
    "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "100",
}  # fmt: skip
DIGEST = request_digest(KEY, "order.place", PARAMS)
MINUTE_US = 60_000_000
BIG = Demand("big", "notional above 1", "refuse", ("alice", "bob"), False, 10 * MINUTE_US)
OWN = Demand("own", "new symbol", "refuse", ("alice", "carol"), True, 10 * MINUTE_US)


def approval(*demands: Demand, **more: Any) -> Approval:
    return Approval(
        id="ap-abcdefghijkl", digest=DIGEST, key_id=KEY, key_label="bot", operation="order.place",
        place="POST /api/v3/order", ip="192.0.2.7", params=PARAMS, demands=demands or (BIG,), reason="big", values=(),
        mode="refuse", asked_us=NOW_US, expires_us=NOW_US + 10 * MINUTE_US, **more,
    )  # fmt: skip


def said(at_us: int = NOW_US + MINUTE_US, **more: Any) -> Statement:
    fields: dict[str, Any] = {
        "approval": "ap-abcdefghijkl", "digest": DIGEST, "decision": "confirm", "person": "alice", "factor": "totp",
        "factor_us": at_us - MINUTE_US, "decided_us": at_us, "owns_key": False,
    }  # fmt: skip
    return Statement(**fields | more)


def judge(one: Approval, statement: Statement, now_us: int = NOW_US + MINUTE_US) -> Approval:
    found = judged(one, statement, now_us)
    assert isinstance(found, Approval), found
    return found


def objection(one: Approval, statement: Statement, now_us: int = NOW_US + MINUTE_US) -> str:
    found = judged(one, statement, now_us)
    assert isinstance(found, Objection), found
    return found.reason


def test_digest_is_as_published() -> None:
    assert DIGEST == "75834f53:45d9e996:5f9de695:ebd23ec3:25975553:c5de76ae:899514ea:4a297fe2"


def test_digest_is_the_same_for_another_attempt_at_the_same_thing() -> None:
    again = dict(reversed(PARAMS.items())) | {
        "timestamp": "1", "recvWindow": "60000", "signature": "x", "apiKey": "k", "newClientOrderId": "another",
    }  # fmt: skip
    assert request_digest(KEY, "order.place", again) == DIGEST


@pytest.mark.parametrize(
    ("key", "operation", "change"),
    [
        ("vk-abcdefghijkm", "order.place", {}),
        (KEY, "order.test", {}),
        (KEY, "order.place", {"quantity": "0.011"}),
        (KEY, "order.place", {"quantity": "0.010"}),
        (KEY, "order.place", {"symbol": "BTCUSDC"}),
        (KEY, "order.place", {"side": "SELL"}),
        (KEY, "order.place", {"newOrderRespType": "ACK"}),
        (KEY, "order.place", {"cancelOrderId": "7"}),
        (KEY, "order.place", {"price": "1", "quantity": "00.01"}),
    ],
)
def test_digest_of_anything_else_is_another(key: str, operation: str, change: dict[str, str]) -> None:
    assert request_digest(key, operation, PARAMS | change) != DIGEST


def test_digest_keeps_names_and_values_apart() -> None:
    texts = [
        {"a": "bc"},
        {"ab": "c"},
        {"a": "b", "c": ""},
        {"a": "", "b": "c"},
        {"a": "1:b,"},
        {"a": "1:b,", "": ""},
    ]
    assert len({request_digest(KEY, "x", one) for one in texts}) == len(texts)
    assert request_digest(KEY, "x", {"a": "\udc80"}) != request_digest(KEY, "x", {"a": "\udc81"})


def test_yes_of_an_approver_confirms() -> None:
    found = judge(approval(), said())
    assert (found.state, found.people, found.missing) == ("confirmed", "alice", ())


def test_no_of_an_approver_refuses_for_all() -> None:
    found = judge(approval(BIG, OWN), said(decision="refuse", person="bob"))
    assert (found.state, found.confirmations) == ("refused", ())


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"approval": "ap-abcdefghijkm"}, "another request"),
        ({"digest": DIGEST[:-1] + "3"}, "another request"),
        ({"person": "eve"}, "none of its approvers"),
        ({"person": "Alice"}, "none of its approvers"),
        ({"person": "eve", "decision": "refuse"}, "none of its approvers"),
    ],
)
def test_word_about_another_request_or_of_somebody_else_does_not_count(
    change: dict[str, Any], says: str
) -> None:
    assert says in objection(approval(), said(**change))


@pytest.mark.parametrize("state", ["confirmed", "refused", "lapsed", "used"])
def test_word_about_what_is_decided_does_not_count(state: Any) -> None:
    assert "already" in objection(approval(state=state), said())


def test_last_moment_counts_and_the_next_does_not() -> None:
    one = approval()
    at_us = one.expires_us - 1
    assert judge(one, said(at_us), at_us).state == "confirmed"
    assert "over" in objection(one, said(at_us), at_us + 1)
    assert "over" in objection(one, said(at_us + 1), at_us)


def test_factor_of_five_minutes_counts_and_an_older_or_later_one_does_not() -> None:
    at_us = NOW_US + MINUTE_US
    assert judge(approval(), said(factor_us=at_us - FACTOR_AGE_US_MAX)).state == "confirmed"
    assert "fresh" in objection(approval(), said(factor_us=at_us - FACTOR_AGE_US_MAX - 1))
    assert judge(approval(), said(factor_us=at_us)).state == "confirmed"
    assert "fresh" in objection(approval(), said(factor_us=at_us + 1))


def test_decision_that_travelled_too_long_or_comes_from_the_future_does_not_count() -> None:
    at_us = NOW_US + 5 * MINUTE_US
    oldest = at_us + CLOCKS_APART_US_MAX - DECISION_AGE_US_MAX
    assert judge(approval(), said(oldest), at_us).state == "confirmed"
    assert "just now" in objection(approval(), said(oldest - 1), at_us)
    assert judge(approval(), said(at_us + CLOCKS_APART_US_MAX), at_us).state == "confirmed"
    assert "just now" in objection(approval(), said(at_us + CLOCKS_APART_US_MAX + 1), at_us)


def test_decision_older_than_the_question_does_not_count() -> None:
    edge = NOW_US - CLOCKS_APART_US_MAX
    assert judge(approval(), said(edge), NOW_US).state == "confirmed"
    assert "older" in objection(approval(), said(edge - 1), NOW_US)


def test_owner_of_the_key_does_not_count_where_the_rule_says_so() -> None:
    assert judge(approval(BIG), said(owns_key=True)).state == "confirmed"
    assert "owner" in objection(approval(OWN), said(owns_key=True))
    assert judge(approval(OWN), said()).state == "confirmed"
    assert judge(approval(OWN), said(owns_key=True, decision="refuse")).state == "refused"


def test_two_rules_may_need_two_people() -> None:
    half = judge(approval(BIG, OWN), said(owns_key=True))
    assert (half.state, half.missing) == ("waiting", (OWN,))
    assert "owner" in objection(half, said(owns_key=True))
    assert "already" in objection(half, said(person="bob"))
    whole = judge(half, said(person="carol"))
    assert (whole.state, whole.people) == ("confirmed", "alice and carol")
    assert judge(approval(BIG, OWN), said()).state == "confirmed"


def test_demand_that_is_met_by_another_rules_approver_is_not_met() -> None:
    half = judge(approval(BIG, OWN), said(person="bob"))
    assert half.missing == (OWN,)
    assert msgspec.structs.replace(half, confirmations=()).missing == (BIG, OWN)
