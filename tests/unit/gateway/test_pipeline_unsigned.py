"""What carries no signature: forwarded as it is, without the virtual key; market data under /sapi with the real one."""

import pytest
from tests.support.gateway_fakes import API_KEY, IP, REAL_API_KEY, Rig, only_from, virtual_key, wire_of

from watchword.gateway.messages import Answer, Outbound, Refused, Unanswered


async def passed(rig: Rig, method: str, path: str, query: str = "", **how: object) -> Outbound:
    reply = await rig.send(rig.rest(method, path, query, signed=False, **how))  # type: ignore[arg-type]
    assert isinstance(reply, Answer), reply
    assert not rig.trail.rows
    assert API_KEY not in repr(rig.link.sent)
    return rig.link.sent[-1]


@pytest.mark.parametrize("api_key", [None, "", API_KEY, "anything"])
@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/api/v3/ping", ""),
        ("GET", "/api/v3/depth", "symbol=%E8%BF%99&limit=5&a=+b"),
        ("GET", "/api/v3/executionRules", "symbol=BTCUSDT"),
        ("GET", "/fapi/v1/exchangeInfo", ""),
        ("GET", "/dapi/v1/depth", "symbol=BTCUSD_PERP"),
        ("POST", "/api/v3/userDataStream", ""),
        ("POST", "/api/v3/ping", ""),
    ],
)
async def test_public_request_goes_on_byte_for_byte_without_the_key(
    api_key: str | None, method: str, path: str, query: str
) -> None:
    sent = await passed(Rig(), method, path, query, api_key=api_key)
    assert (sent.method, sent.path, sent.query, sent.api_key) == (method, path, query.encode(), "")


@pytest.mark.parametrize("path", ["/sapi/v1/margin/allPairs", "/sapi/v1/margin/priceIndex"])
async def test_market_data_with_a_key_gets_the_real_one_unsigned(path: str) -> None:
    rig = Rig()
    sent = await passed(rig, "GET", path, "symbol=BTCUSDT")
    assert (sent.api_key, sent.query) == (REAL_API_KEY, b"symbol=BTCUSDT")
    assert not rig.signers.lent
    assert rig.keys.touched


async def test_market_data_without_a_key_goes_on() -> None:
    assert (await passed(Rig(), "GET", "/sapi/v1/system/status", api_key=None)).api_key == ""


@pytest.mark.parametrize(
    ("api_key", "code", "reason"),
    [("n" * 64, -2015, "unknown key"), ("short", -2014, "malformed key")],
)
async def test_market_data_with_a_wrong_key(api_key: str, code: int, reason: str) -> None:
    rig = Rig()
    reply = await rig.send(rig.rest("GET", "/sapi/v1/margin/allPairs", signed=False, api_key=api_key))
    assert wire_of(reply) == (401, code)
    assert rig.trail.counted == [(reason, IP)]
    assert not rig.link.sent


async def test_market_data_from_a_wrong_address() -> None:
    rig = Rig(key=virtual_key(restrictions=only_from(IP)))
    reply = await rig.send(rig.rest("GET", "/sapi/v1/margin/allPairs", signed=False, ip="192.0.2.9"))
    assert wire_of(reply) == (401, -2015)


async def test_market_data_while_sealed() -> None:
    rig = Rig()
    rig.signers.is_sealed = True
    reply = await rig.send(rig.rest("GET", "/sapi/v1/margin/allPairs", signed=False))
    assert wire_of(reply) == (400, -1008)


async def test_market_data_of_a_credential_that_is_gone() -> None:
    rig = Rig()
    rig.signers.records.clear()
    reply = await rig.send(rig.rest("GET", "/sapi/v1/margin/allPairs", signed=False))
    assert (reply.rule, *wire_of(reply)) == ("vault", 400, -1008)


async def test_public_route_that_was_signed_loses_what_signed_it() -> None:
    rig = Rig()
    await rig.send(rig.rest("GET", "/api/v3/depth", "symbol=%E8%BF%99"))
    assert rig.link.sent[0].query == b"symbol=%E8%BF%99"
    assert not rig.trail.rows


async def test_signed_route_without_key_and_signature_goes_on() -> None:
    sent = await passed(Rig(), "GET", "/api/v3/account", api_key=None)
    assert sent.api_key == ""


async def test_public_method_over_ws_goes_on_without_the_key() -> None:
    rig = Rig()
    inbound = rig.ws("depth", {"symbol": "BTCUSDT", "apiKey": API_KEY}, signed=False)
    assert isinstance(await rig.send(inbound), Answer)
    assert rig.ws_link.sent[0].params == {"symbol": "BTCUSDT"}


async def test_unknown_method_over_ws_is_answered_by_the_upstream() -> None:
    rig = Rig()
    assert isinstance(await rig.send(rig.ws("noSuchMethod", signed=False)), Answer)
    assert rig.ws_link.sent[0].path == "noSuchMethod"


@pytest.mark.parametrize(("sent", "status", "code"), [(True, 504, -1007), (False, 400, -1008)])
async def test_upstream_that_does_not_answer(sent: bool, status: int, code: int) -> None:
    rig = Rig()
    rig.link.answers.append(Unanswered(sent, "connection reset"))
    reply = await rig.send(rig.rest("GET", "/api/v3/ping", signed=False))
    assert wire_of(reply) == (status, code)


async def test_address_that_must_wait_sends_nothing() -> None:
    rig = Rig()
    rig.link.answers.append(Answer(status=418, body=b"{}", headers=((b"Retry-After", b"30"),)))
    await rig.send(rig.rest("GET", "/api/v3/ping", signed=False))
    reply = await rig.send(rig.rest("GET", "/api/v3/ping", signed=False))
    assert isinstance(reply, Refused)
    assert wire_of(reply) == (429, -1003)
    assert reply.wire.retry_after_us == rig.time.at_us + 30_000_000
    assert rig.trail.counted == [("budget", IP)]
    rig.time.at_us += 30_000_000
    assert isinstance(await rig.send(rig.rest("GET", "/api/v3/ping", signed=False)), Answer)
