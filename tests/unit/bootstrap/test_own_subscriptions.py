"""The gateway's own subscriptions: recorded before they are signed, and concluded whatever becomes of them."""

import asyncio

import pytest
from tests.support.gateway_fakes import REAL_API_KEY, FakeSigners, FakeTime, FakeTrail

from watchword.adapters.system import SystemEntropy
from watchword.audit.event import Intent, Outcome
from watchword.bootstrap.own_subscriptions import METHOD, OwnSubscriptions, keep_following


class Following:
    """As much of `AccountEvents` as is asked of it."""

    def __init__(self) -> None:
        self.followed: tuple[str, ...] = ()

    def follow(self, credential_id: str) -> bool:
        self.followed += (credential_id,)
        return True

    async def unfollow(self, credential_id: str) -> None:
        self.followed = tuple(one for one in self.followed if one != credential_id)


def _made() -> tuple[OwnSubscriptions, FakeSigners, FakeTrail]:
    signers, trail = FakeSigners(), FakeTrail()
    return OwnSubscriptions("local", signers, trail, FakeTime(), SystemEntropy()), signers, trail


def _outcomes(trail: FakeTrail) -> list[tuple[int, str]]:
    return [(row.intent, row.result) for row in trail.rows if isinstance(row, Outcome)]


async def test_subscription_is_recorded_then_signed_with_the_real_key() -> None:
    own, _, trail = _made()
    request = await own.sign("cred-one")
    assert request is not None
    assert (request.path, request.params["apiKey"]) == (METHOD, REAL_API_KEY)
    assert [type(row) for row in trail.rows] == [Intent]
    own.subscribed("cred-one")
    assert [result for _, result in _outcomes(trail)] == ["answered"]


async def test_subscription_that_came_to_nothing_is_unknown() -> None:
    own, _, trail = _made()
    await own.sign("cred-one")
    await own.sign("cred-one")
    own.close()
    assert [result for _, result in _outcomes(trail)] == ["unknown", "unknown"]


@pytest.mark.parametrize("what", ["sealed", "missing", "another upstream", "no api key"])
async def test_what_cannot_be_signed_is_not_recorded_either(what: str) -> None:
    own, signers, trail = _made()
    if what == "sealed":
        signers.is_sealed = True
    elif what == "another upstream":
        signers.add("cred-one", signers.signers["cred-one"], "live")
    elif what == "no api key":
        signers.add("cred-one", signers.signers["cred-one"], api_key="")
    assert await own.sign("gone" if what == "missing" else "cred-one") is None
    assert trail.rows == []


async def test_without_a_record_nothing_is_signed() -> None:
    own, signers, trail = _made()
    trail.fault = "disk full"
    assert await own.sign("cred-one") is None
    assert signers.lent == 0


async def test_accounts_follow_what_is_wanted() -> None:
    accounts, wanted = Following(), {"a", "b"}
    keeping = asyncio.create_task(keep_following(accounts, lambda: wanted))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert accounts.followed == ("a", "b")
    keeping.cancel()
    wanted = {"b"}
    keeping = asyncio.create_task(keep_following(accounts, lambda: wanted))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    assert accounts.followed == ("b",)
    keeping.cancel()
