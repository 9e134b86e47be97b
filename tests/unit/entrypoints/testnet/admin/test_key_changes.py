"""Whose keys changed or were used: account numbers, each since the question before, and a restart is noticed."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from watchword.bootstrap.testnet import Testnet, open_memory_testnet
from watchword.config import read_settings
from watchword.entrypoints.testnet.admin.listener import answer


class HandClock:
    def __init__(self) -> None:
        self.us = 1_795_000_000_000_000

    def now_us(self) -> int:
        return self.us


class Desk:
    """A testnet, asked as the console does."""

    def __init__(self, testnet: Testnet, clock: HandClock) -> None:
        self.testnet, self.clock = testnet, clock
        self.before: dict[str, int] = {}

    async def said(self, op: str, **fields: Any) -> Any:
        return json.loads(await answer(self.testnet, json.dumps({"op": op, **fields}).encode() + b"\n"))[
            "result"
        ]

    async def account(self, name: str) -> int:
        return int((await self.said("account.create", name=name))["account_id"])

    async def key(self, account: str) -> str:
        return str((await self.said("key.create", account=account, label="x", key_type="HMAC"))["api_key"])

    async def changed(self) -> Any:
        """The accounts since the last question; None where anything may have changed."""
        self.clock.us += 1
        found = await self.said("key.changes", **self.before)
        self.before = {"after": found["next"], "used_after_us": found["now_us"]}
        self.clock.us += 1
        return None if found["missed"] else found["accounts"]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    clock = HandClock()
    testnet = open_memory_testnet(read_settings(liquidity=False), clock)
    await testnet.start()
    yield Desk(testnet, clock)
    await testnet.stop()


async def test_keys_made_changed_used_and_deleted_name_their_account_once(desk: Desk) -> None:
    ann, ben = await desk.account("ann"), await desk.account("ben")
    key, other = await desk.key("ann"), await desk.key("ben")
    assert await desk.changed() is None, "nothing is known before the first question"
    assert await desk.changed() == []
    await desk.key("ann")
    assert await desk.changed() == [ann]
    await desk.said("key.edit", api_key=other, label="renamed")
    assert await desk.changed() == [ben]
    desk.testnet.directory.touch(key, desk.clock.us)
    assert await desk.changed() == [ann]
    assert await desk.changed() == []
    await desk.said("key.delete", api_key=key)
    await desk.said("key.delete_all", account="ben")
    assert await desk.changed() == sorted([ann, ben])


async def test_use_that_was_stored_meanwhile_is_told_all_the_same(desk: Desk) -> None:
    ann = await desk.account("ann")
    key = await desk.key("ann")
    await desk.changed()
    desk.testnet.directory.touch(key, desk.clock.us)
    desk.testnet.directory.flush_uses()
    assert await desk.changed() == [ann]
    assert await desk.changed() == []


async def test_number_of_another_start_is_noticed(desk: Desk) -> None:
    await desk.changed()
    desk.before["after"] = 77
    assert await desk.changed() is None
