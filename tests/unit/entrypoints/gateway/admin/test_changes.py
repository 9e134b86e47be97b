"""What changed at a gateway: names of virtual keys since the question before, and what waits; held up by nobody."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.trails import FixedEntropy
from tests.support.virtual_keys import NOW_US, new_key

from watchword.adapters.memory.virtual_keys import MemoryVirtualKeys
from watchword.bootstrap.key_desk import KeyDesk
from watchword.entrypoints.gateway.admin.listener import answer

GRID, OTHER = new_key("grid", now_us=NOW_US), new_key("other", seed=1, now_us=NOW_US + 1)


class HandClock:
    us = NOW_US + 1_000

    def now_us(self) -> int:
        return self.us


class Asked:
    """A desk, asked as the console does."""

    def __init__(self, home: Path) -> None:
        store = MemoryVirtualKeys()
        store.put([GRID, OTHER])
        self.clock = HandClock()
        self.desk = KeyDesk(home, store, None, self.clock, FixedEntropy())
        self.before: dict[str, int] = {}

    async def look(self) -> Any:
        self.clock.us += 1
        line = json.dumps({"op": "gateway.changes", **self.before}).encode() + b"\n"
        found = json.loads(await answer(self.desk, line, "somebody"))["result"]
        self.before = {"after": found["next"], "used_after_us": found["now_us"]}
        self.clock.us += 1
        return found


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(tmp_path)


async def test_keys_that_changed_or_were_used_are_named_once(asked: Asked) -> None:
    assert (await asked.look())["missed"], "nothing is known before the first question"
    assert (await asked.look())["keys"] == []
    asked.desk.registry.hold([OTHER], asked.clock.us)
    asked.desk.registry.touch(GRID.id, "10.0.0.1", asked.clock.us)
    found = await asked.look()
    assert (sorted(found["keys"]), found["missed"]) == (sorted([GRID.id, OTHER.id]), False)
    assert (await asked.look())["keys"] == []
    asked.desk.registry.touch(GRID.id, "10.0.0.1", asked.clock.us)
    asked.desk.registry.take_uses()
    assert (await asked.look())["keys"] == [GRID.id], "a use that was stored meanwhile is told all the same"


async def test_change_that_is_being_made_does_not_hold_it_up(asked: Asked) -> None:
    async with asked.desk.turn, asyncio.timeout(1):
        assert (await asked.look())["approvals"] == []
