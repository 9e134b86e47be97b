"""Whatever arrives: reading never raises, and what was signed is what is verified."""

import json
from urllib.parse import quote, urlencode

from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.vectors import flip_bit

from watchword.binance.errors import WireError
from watchword.binance.request import decode_component, read_params
from watchword.credentials.keypair import hmac_signer, hmac_verifier
from watchword.credentials.passphrase import weakness
from watchword.credentials.payload import rest_payload, sign_rest, sign_ws, ws_payloads
from watchword.credentials.pem import read_key
from watchword.credentials.restriction import read_networks, read_symbols
from watchword.credentials.timing import RECV_WINDOW_US_MAX, read_timestamp_us, read_window_us
from watchword.kernel.secret import Secret

SECRET = Secret(b"s" * 64)
SIGNER, VERIFIER = hmac_signer(SECRET), hmac_verifier(SECRET)

names = st.text(st.characters(codec="utf-8"), max_size=8).filter(lambda name: name != "signature")
texts = st.text(st.characters(codec="utf-8"), max_size=24)
parameters = st.dictionaries(names, texts, max_size=8)
queries = parameters.map(urlencode)


@given(st.binary(max_size=200), st.binary(max_size=200))
@example(b"signature=", b"&signature=&")
def test_any_bytes_are_read_or_refused_without_a_fault(query: bytes, body: bytes) -> None:
    params = read_params(query, body)
    payload, signature = rest_payload(query, body)
    assert isinstance(params, WireError | dict)
    assert len(payload) <= len(query) + len(body)
    if isinstance(params, dict):
        assert signature is None or "signature" in params


@given(st.dictionaries(names.filter(bool), texts, max_size=8))
def test_encoded_parameters_read_back(params: dict[str, str]) -> None:
    assert read_params(urlencode(params).encode(), b"") == params
    spaced = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params.items())
    assert read_params(b"", spaced.encode()) == params


@given(st.text(st.characters(codec="utf-8"), max_size=50))
def test_encoded_component_reads_back(text: str) -> None:
    assert decode_component(quote(text, safe="").encode()) == text


@given(queries, queries, st.sampled_from(["query", "body"]), st.integers(min_value=0))
def test_signed_rest_request_is_accepted_and_with_one_bit_changed_refused(
    query: str, body: str, place: str, bit: int
) -> None:
    pair = sign_rest(SIGNER, query, body)
    raw_query, raw_body = query.encode(), body.encode()
    if place == "query":
        raw_query = b"&".join(part for part in (raw_query, pair.encode()) if part)
    else:
        raw_body = b"&".join(part for part in (raw_body, pair.encode()) if part)
    payload, signature = rest_payload(raw_query, raw_body)
    assert payload == (query + body).encode()
    assert signature is not None
    assert VERIFIER.verify(payload, signature)
    if payload:
        assert not VERIFIER.verify(flip_bit(payload, bit % (len(payload) * 8)), signature)
    changed = flip_bit(bytes.fromhex(signature), bit % 256).hex()
    assert not VERIFIER.verify(payload, changed)


@given(parameters)
def test_signed_ws_request_is_accepted_in_both_forms(params: dict[str, str]) -> None:
    signature = sign_ws(SIGNER, params)["signature"]
    assert any(VERIFIER.verify(payload, signature) for payload in ws_payloads(params))
    encoded = SIGNER.sign(urlencode(sorted(params.items())).encode())
    assert any(VERIFIER.verify(payload, encoded) for payload in ws_payloads(params))


@given(parameters, parameters)
def test_different_ws_requests_share_no_payload(first: dict[str, str], second: dict[str, str]) -> None:
    if first != second:
        assert not set(ws_payloads(first)) & set(ws_payloads(second))


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    assert isinstance(read_timestamp_us(text), int | WireError)
    window = read_window_us(text)
    assert isinstance(window, WireError) or 0 <= window <= RECV_WINDOW_US_MAX


@given(st.decimals(min_value=0, max_value=60_000, places=3))
def test_window_up_to_three_decimals_is_exact(window) -> None:  # type: ignore[no-untyped-def]
    assert read_window_us(format(window, "f")) == int(window * 1000)


@given(st.lists(st.text(max_size=30), max_size=3))
def test_any_entries_are_a_list_or_refused(entries: list[str]) -> None:
    networks, symbols = read_networks(entries), read_symbols(entries)
    assert json.dumps(str(networks))
    assert json.dumps(str(symbols))


@given(st.ip_addresses())
def test_any_address_allows_itself_in_its_own_list(address) -> None:  # type: ignore[no-untyped-def]
    from watchword.credentials.restriction import Restrictions

    networks = read_networks([str(address)])
    assert isinstance(networks, tuple), networks
    assert Restrictions(networks).allows_address(str(address))


@given(st.binary(max_size=300))
def test_any_file_is_a_key_or_a_named_problem(raw: bytes) -> None:
    read_key(raw, Secret(b"x"))


@given(st.text(max_size=60))
def test_any_passphrase_is_judged(passphrase: str) -> None:
    found = weakness(passphrase)
    assert found is None or not found.endswith(".")
