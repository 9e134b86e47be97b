"""The gateway's own subscriptions: signed anew after each break, gaps told, an upstream left alone that asks for it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.support.fake_upstreams import WsUpstream, sessions, until, ws_upstream
from websockets.asyncio.server import ServerConnection

from watchword.adapters.upstream import account_events
from watchword.adapters.upstream.account_events import AccountEvents
from watchword.gateway.messages import Outbound

METHOD = "userDataStream.subscribe.signature"


class Gateway:
    """What the rest of the gateway would do and see."""

    def __init__(self, upstream: WsUpstream) -> None:
        self.upstream = upstream
        self.log: list[str] = []
        self.sealed = False
        self.status = 200
        upstream.handler = self.handler  # type: ignore[method-assign]

    async def sign(self, credential_id: str) -> Outbound | None:
        self.log.append(f"sign {credential_id}")
        if self.sealed:
            return None
        return Outbound(method="", path=METHOD, params={"apiKey": credential_id, "signature": "s"})

    async def handler(self, connection: ServerConnection) -> None:
        async for text in connection:
            request = json.loads(text)
            self.upstream.requests.append(request)
            result = (
                {"result": {"subscriptionId": 0}}
                if self.status == 200
                else {"error": {"code": -1, "msg": "no"}}
            )
            await connection.send(json.dumps({"id": request["id"], "status": self.status, **result}))

    async def say(self, event: str, account: int = -1) -> None:
        await self.upstream.connections[account].send('{"subscriptionId":0,"event":' + event + "}")


@asynccontextmanager
async def gateways() -> AsyncIterator[tuple[AccountEvents, Gateway]]:
    async with ws_upstream() as upstream, sessions(upstream.addresses) as session:
        gateway = Gateway(upstream)
        log = gateway.log
        events = AccountEvents(
            session,
            gateway.sign,
            lambda name, event: log.append(f"event {name} {event.decode()}"),
            lambda name: log.append(f"interrupted {name}"),
            lambda name: log.append(f"resumed {name}"),
            backoff_s=0.01,
        )
        try:
            yield events, gateway
        finally:
            await events.close()


async def test_events_of_an_account_arrive_in_order() -> None:
    async with gateways() as (events, gateway):
        assert events.follow("cred-a")
        assert not events.steady("cred-a")
        await until(lambda: events.steady("cred-a"))
        for number in range(3):
            await gateway.say(f'{{"e":"executionReport","i":{number}}}')
        await until(lambda: len(gateway.log) == 5)
        assert gateway.log == ["sign cred-a", "resumed cred-a",
            *[f'event cred-a {{"e":"executionReport","i":{number}}}' for number in range(3)]]  # fmt: skip
        assert gateway.upstream.requests == [
            {"id": 1, "method": METHOD, "params": {"apiKey": "cred-a", "signature": "s"}}
        ]
    assert gateway.log[-1] != "interrupted cred-a"


async def test_break_is_told_and_mended_with_a_new_signature() -> None:
    async with gateways() as (events, gateway):
        events.follow("cred-a")
        await until(lambda: events.steady("cred-a"))
        await gateway.upstream.connections[0].close(1012)
        await until(lambda: gateway.log.count("resumed cred-a") == 2)
        assert gateway.log == [
            "sign cred-a",
            "resumed cred-a",
            "interrupted cred-a",
            "sign cred-a",
            "resumed cred-a",
        ]


async def test_stream_ended_by_the_upstream_is_a_break() -> None:
    async with gateways() as (events, gateway):
        events.follow("cred-a")
        await until(lambda: events.steady("cred-a"))
        await gateway.say('{"e":"eventStreamTerminated","E":1}')
        await until(lambda: gateway.log.count("resumed cred-a") == 2)
        assert not [line for line in gateway.log if line.startswith("event")]


async def test_accounts_have_connections_of_their_own() -> None:
    async with gateways() as (events, gateway):
        for name in ("cred-a", "cred-b", "cred-a"):
            assert events.follow(name)
        await until(lambda: events.steady("cred-a") and events.steady("cred-b"))
        assert len(gateway.upstream.connections) == 2
        assert events.followed == ("cred-a", "cred-b")
        await events.unfollow("cred-a")
        assert events.followed == ("cred-b",)
        assert events.steady("cred-b")
        assert "interrupted cred-a" not in gateway.log


async def test_sealed_vault_is_waited_for_and_unsealing_hurries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_events, "BACKOFF_S_MAX", 60.0)
    async with gateways() as (events, gateway):
        events._backoff_s = 30.0
        gateway.sealed = True
        events.follow("cred-a")
        await until(lambda: gateway.log == ["sign cred-a"])
        await asyncio.sleep(0.05)
        gateway.sealed = False
        events.follow("cred-a")
        await until(lambda: events.steady("cred-a"))
        assert gateway.log == ["sign cred-a", "sign cred-a", "resumed cred-a"]


async def test_refusal_is_tried_again_with_growing_pauses() -> None:
    async with gateways() as (events, gateway):
        gateway.status = 400
        events.follow("cred-a")
        await asyncio.sleep(0.2)
        assert 2 <= gateway.log.count("sign cred-a") <= 6
        assert "interrupted cred-a" not in gateway.log


async def test_upstream_that_wants_to_be_left_alone_is_not_hurried() -> None:
    async with gateways() as (events, gateway):
        gateway.status = 429
        events.follow("cred-a")
        await until(lambda: gateway.upstream.requests)
        for _ in range(10):
            await asyncio.sleep(0.01)
            events.follow("cred-a")
        assert gateway.log == ["sign cred-a"]


async def test_nothing_is_signed_for_an_upstream_that_cannot_be_reached() -> None:
    async with gateways() as (events, gateway):
        gateway.upstream.refusal = (503, {})
        events.follow("cred-a")
        await until(lambda: len(gateway.upstream.paths) >= 2)
        assert gateway.log == []


async def test_fault_in_a_callback_does_not_end_the_subscription_for_good() -> None:
    async with gateways() as (events, gateway):
        faults = iter([True])

        def fail_once(name: str) -> None:
            gateway.log.append(f"resumed {name}")
            if next(faults, False):
                raise ValueError("a fault of ours")

        events._on_resumed = fail_once
        events.follow("cred-a")
        await until(lambda: gateway.log.count("resumed cred-a") == 2)
        await until(lambda: events.steady("cred-a"))


async def test_accounts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_events, "ACCOUNTS_MAX", 1)
    async with gateways() as (events, _):
        assert events.follow("cred-a")
        assert not events.follow("cred-b")
        assert events.followed == ("cred-a",)
