"""What a start reads in the trail and puts into the ledger: the same as what the process before had put there."""

from typing import Any

import pytest
from tests.support.crashed_ledger import FORMS, LedgerAndTrail, same
from tests.support.desk_floor import active_key
from tests.support.policies import NOW_US, policy

from watchword.audit.event import Intent, Outcome, encode_event
from watchword.gateway.ports import ActiveKey
from watchword.kernel.units import SCALE
from watchword.policy.usage import Filled

CAPS = "max_day: {USDT: 100000}\n"
WITHDRAWALS = """
version: 1
name: w
permissions: [read, withdrawals]
withdrawals:
  - {coin: USDT, network: TRX, address: Taddress, max_each: 10, max_day: 25}
"""


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("parents", [(), ("vk-parent", "vk-grandparent")], ids=["one layer", "three layers"])
def test_order_of_any_form_is_put_as_it_was(name: str, parents: tuple[str, ...]) -> None:
    before, key = LedgerAndTrail(), active_key("alice", CAPS, parents=parents)
    before.place(key, name)
    after, done = before.next_process()
    assert (done.count, done.number) == (1, 1)
    assert before.ledger.open_orders()
    assert same(before, after, [key.key.id, *parents])
    assert after.ledger.usage(key.key.id).open
    for layer in parents:
        assert after.ledger.usage(layer).open


def test_layers_that_bought_differently_are_charged_differently() -> None:
    """What gives back earlier buying is exempt, and each layer has bought something else."""
    key = active_key("alice", CAPS, parents=("vk-parent",))
    before = LedgerAndTrail()
    # The parent alone bought two.
    before.ledger.fold("vk-parent", Filled(NOW_US, "?", "BTCUSDT", "BTC", "USDT", "BUY", 2 * SCALE, SCALE))
    before.place(key, side="SELL", price="110", newClientOrderId="s")
    mine, parents = (before.ledger.usage(one).open["BTCUSDT s"] for one in (key.key.id, "vk-parent"))
    assert (mine.exempt, parents.exempt) == (0, SCALE)
    after, _ = before.next_process()
    assert after.ledger.usage(key.key.id).open["BTCUSDT s"] == mine
    assert after.ledger.usage("vk-parent").open["BTCUSDT s"] == parents


def test_order_on_a_market_nobody_knows_is_put_as_it_was() -> None:
    before, key = LedgerAndTrail(), active_key("alice")
    before.markets = {}
    before.place(key)
    after, _ = before.next_process()
    assert same(before, after, [key.key.id])
    assert after.ledger.open_orders()[0].base == ""
    assert after.ledger.usage(key.key.id).counts == before.ledger.usage(key.key.id).counts


def test_amounts_beyond_64_bits_are_put_as_they_were() -> None:
    before, key = LedgerAndTrail(), active_key("alice")
    before.place(key, quantity="92000000000", price="92000000000")
    gross = before.ledger.usage(key.key.id).open["BTCUSDT " + "x" * 36].gross
    assert gross > 2**63
    after, _ = before.next_process()
    assert same(before, after, [key.key.id])


def test_withdrawals_count_again_in_every_layer_sent_or_not() -> None:
    before = LedgerAndTrail()
    rule = policy(base=WITHDRAWALS)
    key = ActiveKey(active_key("alice").key, (("vk-alice", rule), ("vk-parent", rule)))
    for _ in range(2):
        made, reservation = before.reserve(
            key,
            "POST /sapi/v1/capital/withdraw/apply",
            coin="USDT",
            network="TRX",
            address="Taddress",
            amount="10",
        )
        before.not_sent(before.record(made), reservation)
    after, done = before.next_process()
    assert (done.count, done.given_back) == (2, 0)
    assert same(before, after, ["vk-alice", "vk-parent"])
    assert list(after.ledger.usage("vk-parent").withdrawn.values()) == [20 * SCALE]


def test_reservations_the_ledger_has_are_not_put_again() -> None:
    """Their rows may lie after the mark's: they were reserved before the batch, and recorded after it."""
    before, key = LedgerAndTrail(), active_key("alice", CAPS)
    first, _ = before.reserve(key, "order.place", newClientOrderId="a")
    assert first.reserved is not None
    written = first.reserved.number  # the ledger writes here: the trail has no row yet
    before.record(first)
    before.place(key, newClientOrderId="b")
    after, done = before.next_process(row=0, number=written)
    assert done.count == 1
    assert [one.client_order_id for one in after.ledger.open_orders()] == ["b"]
    assert list(after.ledger.usage(key.key.id).open) == ["BTCUSDT b"]


def test_catching_up_again_puts_nothing_twice() -> None:
    before, key = LedgerAndTrail(), active_key("alice", CAPS, parents=("vk-parent",))
    for number in range(3):
        made, reservation = before.reserve(key, "order.place", newClientOrderId=f"o{number}")
        row = before.record(made)
        if number == 1:
            before.not_sent(row, reservation)
    after, done = before.next_process()
    assert (done.count, done.given_back) == (3, 1)
    again = after.catch_up(0, done.number)
    assert (again.count, again.given_back, again.number) == (0, 0, done.number)
    assert same(before, after, [key.key.id, "vk-parent"])


def test_order_that_was_not_sent_is_given_back_in_every_layer() -> None:
    before, key = LedgerAndTrail(), active_key("alice", CAPS, parents=("vk-parent",))
    made, reservation = before.reserve(key, "orderList.place.otoco")
    before.not_sent(before.record(made), reservation)
    after, done = before.next_process()
    assert (done.count, done.given_back) == (1, 3)
    assert not after.ledger.open_orders()
    assert same(before, after, [key.key.id, "vk-parent"])


def test_order_the_ledger_has_is_given_back_by_a_later_outcome() -> None:
    before, key = LedgerAndTrail(), active_key("alice", CAPS)
    row = before.place(key, newClientOrderId="a")
    after, done = before.next_process()  # the ledger was written here
    assert len(after.ledger.open_orders()) == 1
    before.record(Outcome(intent=row, result="not_sent"))
    later = after.catch_up(row, done.number)
    assert (later.count, later.given_back) == (0, 1)
    assert not after.ledger.open_orders()
    assert not after.ledger.usage(key.key.id).open


@pytest.mark.parametrize("result", ["answered", "unknown"])
def test_order_that_was_sent_stays_open_until_somebody_asked(result: Any) -> None:
    before, key = LedgerAndTrail(), active_key("alice", CAPS)
    row = before.place(key, newClientOrderId="a")
    before.record(Outcome(intent=row, result=result, status=400, code=-2010))
    after, _ = before.next_process()
    assert len(after.ledger.open_orders()) == 1


def test_name_used_again_is_given_back_for_the_one_that_was_not_sent() -> None:
    """Both the first of that name, which was not sent, and the second, which was."""
    before, key = LedgerAndTrail(), active_key("alice", CAPS)
    made, reservation = before.reserve(key, "order.place", newClientOrderId="a")
    row = before.record(made)
    before.not_sent(row, reservation)
    before.place(key, now_us=NOW_US + 5, newClientOrderId="a")
    after, _ = before.next_process()
    assert same(before, after, [key.key.id])
    # The same outcome once more, as after a mark between the two: the second is not the one that is meant.
    before.record(Outcome(intent=row, result="not_sent"))
    again = after.catch_up(len(before.rows) - 1, 2)
    assert again.given_back == 0
    assert len(after.ledger.open_orders()) == 1


def test_other_rows_change_nothing() -> None:
    before = LedgerAndTrail()
    row = before.record(Intent(request="r", key="k", credential="c", upstream="u", endpoint="GET /x"))
    before.record(Outcome(intent=row, result="not_sent"))
    before.record(Outcome(intent=row, result="answered", note='"reserved":{ "result":"not_sent"'))
    after, done = before.next_process()
    assert (done.count, done.given_back, done.number) == (0, 0, 0)
    assert not after.ledger.open_orders()


def test_read_has_no_word_about_reservations_in_its_row() -> None:
    assert b"reserved" not in encode_event(
        Intent(request="r", key="k", credential="c", upstream="u", endpoint="e")
    )
