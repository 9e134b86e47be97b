"""One suite for everything that calls itself a ledger."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from watchword.adapters.ledger.sqlite_ledger import SqliteLedger
from watchword.adapters.memory.ledger import MemoryLedger
from watchword.gateway.ledger_state import LedgerState
from watchword.gateway.ports import Ledger, OrderRecord
from watchword.policy.decision import Charge
from watchword.policy.usage import Closed, Filled, Placed, Usage

NOW_US = 1_767_614_400_000_000
CHARGE = Charge("BTCUSDT a", "BTCUSDT", "BTC", "USDT", "BUY", 100, 1000, 1000, 0)
ORDER = OrderRecord("cred", "BTCUSDT", "a", "vk-1", "BTCUSDT a", group=("a",), base="BTC", quote="USDT")


def order(name: str = "a", **more: Any) -> OrderRecord:
    return msgspec.structs.replace(ORDER, client_order_id=name, **more)


@pytest_asyncio.fixture(params=["memory", "sqlite"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ledger]:
    state = LedgerState(open_count_max=4)
    if request.param == "memory":
        yield MemoryLedger(state)
        return
    made = SqliteLedger(tmp_path / "ledger.db", state=state)
    await made.start()
    yield made
    await made.stop()


async def test_usage_of_an_unknown_key_is_nothing(ledger: Ledger) -> None:
    assert ledger.usage("nobody") == Usage()


async def test_events_are_folded_at_once(ledger: Ledger) -> None:
    ledger.fold("vk-1", Placed(NOW_US, (CHARGE,)))
    assert ledger.usage("vk-1").reserved.charged == {"USDT": 1000}
    ledger.fold("vk-1", Filled(NOW_US, "BTCUSDT a", "BTCUSDT", "BTC", "USDT", "BUY", 40, 400))
    ledger.fold("vk-1", Closed(NOW_US, "BTCUSDT a"))
    assert ledger.usage("vk-1").spent == {"USDT": 400}
    assert not ledger.usage("vk-1").open
    assert ledger.usage("vk-2") == Usage()
    assert ledger.trouble() is None


async def test_order_is_found_by_name_by_number_and_by_list(ledger: Ledger) -> None:
    ledger.put_order(order())
    assert ledger.order("cred", "BTCUSDT", "a") == order()
    assert ledger.order_by_id("cred", "BTCUSDT", 7) is None
    ledger.put_order(order(order_id=7, list_id=3))
    found = order(order_id=7, list_id=3)
    assert ledger.order("cred", "BTCUSDT", "a") == found
    assert ledger.order_by_id("cred", "BTCUSDT", 7) == found
    assert list(ledger.orders_of_list("cred", "BTCUSDT", 3)) == [found]
    assert list(ledger.open_orders("cred")) == list(ledger.open_orders()) == [found]
    assert ledger.trouble() is None


@pytest.mark.parametrize(
    "other", [("other", "BTCUSDT", "a"), ("cred", "ETHUSDT", "a"), ("cred", "BTCUSDT", "A")]
)
async def test_order_is_not_found_elsewhere(ledger: Ledger, other: tuple[str, str, str]) -> None:
    ledger.put_order(order(order_id=7, list_id=3))
    assert ledger.order(*other) is None
    assert ledger.open_order(*other) is None
    if other[2] == "a":
        assert ledger.order_by_id(other[0], other[1], 7) is None
        assert not ledger.orders_of_list(other[0], other[1], 3)
    assert ledger.order_by_id("cred", "BTCUSDT", 0) is None
    assert not ledger.orders_of_list("cred", "BTCUSDT", 0)


async def test_closed_order_is_known_and_not_open(ledger: Ledger) -> None:
    ledger.put_order(order(order_id=7, closed=True))
    assert ledger.order("cred", "BTCUSDT", "a") is not None
    assert ledger.open_order("cred", "BTCUSDT", "a") is None
    assert not ledger.open_orders()


async def test_name_used_again_leaves_the_first_order_by_its_number(ledger: Ledger) -> None:
    ledger.put_order(order(order_id=7, closed=True))
    ledger.put_order(order(key_id="vk-2"))
    ledger.put_order(order(key_id="vk-2", order_id=8))
    by_name = ledger.order("cred", "BTCUSDT", "a")
    first, second = ledger.order_by_id("cred", "BTCUSDT", 7), ledger.order_by_id("cred", "BTCUSDT", 8)
    assert by_name is not None
    assert first is not None
    assert by_name == second
    assert (by_name.key_id, first.key_id) == ("vk-2", "vk-1")


async def test_name_of_a_refused_duplicate_means_the_open_order_again(ledger: Ledger) -> None:
    ledger.put_order(order(order_id=7))
    ledger.put_order(order())
    ledger.put_order(order(closed=True))
    found = ledger.open_order("cred", "BTCUSDT", "a")
    assert found is not None
    assert found.order_id == 7
    assert len(ledger.open_orders()) == 1


async def test_renamed_order_is_found_under_its_new_name_alone(ledger: Ledger) -> None:
    ledger.put_order(order(order_id=7))
    ledger.put_order(order("b", order_id=7))
    assert ledger.order("cred", "BTCUSDT", "a") is None
    assert ledger.order("cred", "BTCUSDT", "b") == ledger.order_by_id("cred", "BTCUSDT", 7)
    assert len(ledger.open_orders()) == 1


async def test_ledger_is_full_at_its_bound_and_not_before(ledger: Ledger) -> None:
    for number in range(4):
        assert not ledger.full()
        ledger.put_order(order(f"o{number}"))
    assert ledger.full()
    ledger.put_order(order("o0", closed=True))
    assert not ledger.full()


async def test_reservations_are_numbered_without_gaps(ledger: Ledger) -> None:
    assert [ledger.next_reservation() for _ in range(3)] == [1, 2, 3]
