"""What an intent reserves is written whole and read back the same; and nothing gets into a row through it."""

import json
from typing import Any

import msgspec
import pytest

from watchword.audit.event import Intent, decode_event, encode_event
from watchword.audit.reserved import DESTINATION_LENGTH_MAX, Reserved, ReservedGroup, ReservedLayer
from watchword.kernel.secret import Secret

CANARY = "K" * 64
LAYERS = tuple([ReservedLayer(f"vk-{number:012}", ((1, 2**70, 3, 0),) * 3) for number in range(9)])
ORDERS = Reserved(
    number=2**40, at_us=1_767_614_400_000_000, layers=LAYERS, symbol="这是测试币456", base="BTC", quote="USDT",
    groups=(ReservedGroup("BUY", ("a" * 36,)), ReservedGroup("SELL", (":./_-" + "b" * 31, "c"))),
    list_client_order_id="l" * 36,
)  # fmt: skip
WITHDRAWAL = Reserved(
    number=1, at_us=2, layers=LAYERS[:1], destination=f"USDT TRX {'T' * 90} {'m' * 90}", amount=2**63
)


def intent(reserved: Any) -> Intent:
    return Intent(request="r", key="k", credential="c", upstream="u", endpoint="e", reserved=reserved)


@pytest.mark.parametrize("reserved", [ORDERS, WITHDRAWAL, msgspec.structs.replace(ORDERS, symbol="S" * 50)])
def test_reservation_is_read_back_as_it_was(reserved: Reserved) -> None:
    body = encode_event(intent(reserved))
    assert b"(redacted)" not in body
    assert decode_event(body) == intent(reserved)
    assert json.loads(body)["reserved"]["number"] == reserved.number


def test_absent_reservation_is_left_out() -> None:
    assert "reserved" not in json.loads(encode_event(intent(None)))
    assert decode_event(encode_event(intent(None))) == intent(None)


@pytest.mark.parametrize("value", [CANARY, Secret(CANARY.encode()), CANARY.encode(), [CANARY], {"x": CANARY}])
def test_what_is_no_client_order_id_gets_into_no_row(value: Any) -> None:
    """A secret where an order's id, a side, a list's id or an amount belongs."""
    for reserved in (
        msgspec.structs.replace(ORDERS, groups=(ReservedGroup("BUY", (value,)),)),
        msgspec.structs.replace(ORDERS, groups=(ReservedGroup(value, ("a",)),)),
        msgspec.structs.replace(ORDERS, groups=value),
        msgspec.structs.replace(ORDERS, groups=(value,)),
        msgspec.structs.replace(ORDERS, list_client_order_id=value),
        msgspec.structs.replace(ORDERS, layers=(ReservedLayer("vk-1", ((1, 2, 3, value),)),)),
        msgspec.structs.replace(ORDERS, layers=(ReservedLayer("vk-1", (value,)),)),
        msgspec.structs.replace(ORDERS, layers=(ReservedLayer("vk-1", value),)),
        msgspec.structs.replace(ORDERS, layers=value),
        msgspec.structs.replace(ORDERS, number=value),
        msgspec.structs.replace(ORDERS, at_us=value, amount=value),
        value,
    ):
        body = encode_event(intent(reserved))
        assert CANARY.encode() not in body
        json.loads(body)


@pytest.mark.parametrize("field", ["symbol", "base", "quote", "list_client_order_id", "destination"])
def test_texts_are_bounded_and_printable(field: str) -> None:
    key_block = "-----BEGIN PRIVATE KEY-----"
    for value in (
        "x" * (DESTINATION_LENGTH_MAX + 1),
        "a\x1b[31m",
        f"{key_block}\n{CANARY}",
        f"{key_block} {CANARY}",
    ):
        body = encode_event(intent(msgspec.structs.replace(ORDERS, **{field: value})))
        assert CANARY.encode() not in body
        shown = json.loads(body)["reserved"].get(field, "")
        assert "\x1b" not in shown
        assert len(shown) <= 256
