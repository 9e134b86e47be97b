"""What has nothing to clean is written without a look at each field, and never otherwise than with one."""

from typing import Any
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from watchword.audit import event as events
from watchword.audit.event import Intent, Outcome, encode_event
from watchword.audit.reserved import Reserved, ReservedGroup, ReservedLayer
from watchword.kernel.secret import Secret

PLAIN = st.text("abcXYZ019-_. ", max_size=42)
TEXTS = st.one_of(
    PLAIN,
    PLAIN,
    st.text(max_size=8),
    st.sampled_from(
        ("a" * 39, "a" * 40, "a" * 64, "a" * 65, "-" * 40, "-----BEGIN PRIVATE KEY-----", "PRIVATE KEY")
    ),
)
#: Also against the fields' types.
ODD: st.SearchStrategy[Any] = st.one_of(
    TEXTS, TEXTS, TEXTS, st.none(), st.integers(), st.booleans(), st.just(Secret(b"s")), st.binary(max_size=4)
)
NUMBERS: st.SearchStrategy[Any] = st.one_of(
    st.integers(0, 2**50), st.integers(), st.booleans(), TEXTS, st.floats()
)
NAMES = st.sampled_from(
    ("symbol", "side", "newClientOrderId", "apiSecret", "token", "address", "x" * 41, "na\nme", "")
)
RESERVED = st.one_of(
    st.none(),
    st.builds(
        Reserved,
        number=st.integers(0, 9),
        at_us=NUMBERS,
        layers=st.just((ReservedLayer("vk-one", ((1, 2, 3, 4),)),)),
        symbol=ODD,
        base=ODD,
        quote=ODD,
        groups=st.builds(lambda name: (ReservedGroup("BUY", (name,)),), ODD),
        list_client_order_id=ODD,
        destination=ODD,
    ),
)
TEXT_FIELDS = (
    "request", "key", "credential", "upstream", "endpoint", "ip", "client_order_id", "policy", "reason", "replay",
)  # fmt: skip


def _looked_at(event: Intent | Outcome) -> bytes:
    with (
        patch.object(events, "_plain_intent", lambda _: False),
        patch.object(events, "_plain_outcome", lambda _: False),
    ):
        return encode_event(event)


@given(
    usual=st.fixed_dictionaries(dict.fromkeys(TEXT_FIELDS, st.text("abc019-", max_size=20))),
    odd=st.dictionaries(st.sampled_from(TEXT_FIELDS), ODD, max_size=2),
    parameters=st.dictionaries(NAMES, ODD, max_size=50),
    numbers=st.fixed_dictionaries({"deadline_us": NUMBERS, "only_cancels": st.one_of(st.booleans(), ODD)}),
    reserved=RESERVED,
)
def test_an_intent_is_written_alike_both_ways(
    usual: dict[str, Any],
    odd: dict[str, Any],
    parameters: dict[str, Any],
    numbers: dict[str, Any],
    reserved: Reserved | None,
) -> None:
    event = Intent(**{**usual, **odd, **numbers, "parameters": parameters, "reserved": reserved})
    assert encode_event(event) == _looked_at(event)


@given(
    fields=st.fixed_dictionaries(
        {
            "intent": NUMBERS, "status": NUMBERS, "code": NUMBERS, "elapsed_us": NUMBERS,
            "result": st.one_of(st.just("answered"), ODD), "order_id": ODD, "note": ODD,
        }
    )
)  # fmt: skip
def test_an_outcome_is_written_alike_both_ways(fields: dict[str, Any]) -> None:
    event = Outcome(**fields)
    assert encode_event(event) == _looked_at(event)


def test_the_usual_ones_have_nothing_to_clean() -> None:
    usual = Intent(
        request="r1", key="vk-one", credential="cred", upstream="live", endpoint="POST /api/v3/order",
        parameters={"symbol": "BTCUSDT", "price": "100.5"}, policy="d" * 64, replay="0f" * 16,
    )  # fmt: skip
    assert events._plain_intent(usual)
    assert events._plain_outcome(Outcome(intent=1, result="answered", status=200, order_id="7"))
    assert encode_event(usual) == _looked_at(usual)
