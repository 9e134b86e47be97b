import pytest

from watchword.credentials.keypair import generate, hmac_signer
from watchword.credentials.payload import SIGNATURE_BYTES_MAX, rest_payload, sign_rest, sign_ws, ws_payloads
from watchword.kernel.secret import Secret

SIGNER = hmac_signer(Secret(b"s" * 64))


class CountingEntropy:
    def token(self, size_bytes: int) -> bytes:
        return bytes(range(size_bytes))


@pytest.mark.parametrize(
    ("query", "body", "payload", "signature"),
    [
        (b"", b"", b"", None),
        (b"a=1", b"", b"a=1", None),
        (b"", b"a=1", b"a=1", None),
        (b"a=1", b"b=2", b"a=1b=2", None),
        (b"a=1&signature=x", b"", b"a=1", "x"),
        (b"signature=x&a=1", b"", b"a=1", "x"),
        (b"a=1&signature=x&b=2", b"", b"a=1&b=2", "x"),
        (b"signature=x", b"a=1", b"a=1", "x"),
        (b"a=1", b"signature=x", b"a=1", "x"),
        (b"a=1", b"b=2&signature=x", b"a=1b=2", "x"),
        (b"a=1&signature=q", b"b=2&signature=b", b"a=1b=2", "q"),
        (b"a=1&signature=", b"", b"a=1", ""),
        (b"a=1&signature=", b"b=2&signature=b", b"a=1b=2", ""),
        (b"a=1&signature=p%2Bq%2Fr%3D%3D", b"", b"a=1", "p+q/r=="),
        (b"a=1&signature=p%2bq%2fr%3d%3d", b"", b"a=1", "p+q/r=="),
        (b"a=1&signature=p+q/r==", b"", b"a=1", "p q/r=="),
        (b"a=1&signature=%zz", b"", b"a=1", "?"),
        (b"a=1&signature=\xff", b"", b"a=1", "?"),
        (b"xsignature=x&a=1", b"", b"xsignature=x&a=1", None),
        (b"a=1&signatures=x", b"", b"a=1&signatures=x", None),
        (b"a=1&Signature=x", b"", b"a=1&Signature=x", None),
        (b"a=%zz&b=\xff&signature=x", b"", b"a=%zz&b=\xff", "x"),
        (b"a=1&signature=x&signature=y", b"", b"a=1&signature=y", "x"),
    ],
)
def test_rest_payload_is_the_bytes_received_without_the_signature_pair(
    query: bytes, body: bytes, payload: bytes, signature: str | None
) -> None:
    assert rest_payload(query, body) == (payload, signature)


def test_rest_payload_cuts_an_endless_signature() -> None:
    _, signature = rest_payload(b"signature=" + b"a" * 1_000_000, b"")
    assert signature is not None
    assert len(signature) == SIGNATURE_BYTES_MAX


@pytest.mark.parametrize(
    ("params", "payloads"),
    [
        ({}, (b"",)),
        ({"signature": "x"}, (b"",)),
        ({"b": "2", "a": "1"}, (b"a=1&b=2",)),
        ({"a": "1", "signature": "x", "z": ""}, (b"a=1&z=",)),
        ({"p": "0.10", "w": "6000.346", "f": "false"}, (b"f=false&p=0.10&w=6000.346",)),
        ({"s": '["BTCUSDT"]'}, (b's=["BTCUSDT"]', b"s=%5B%22BTCUSDT%22%5D")),
        ({"s": "a b"}, (b"s=a b", b"s=a+b")),
        ({"s": "\u6d4b"}, ("s=\u6d4b".encode(), b"s=%E6%B5%8B")),
        ({"s": "x=y"}, (b"s=x=y", b"s=x%3Dy")),
        ({"\u6d4b": "1", "z": "2"}, ("z=2&\u6d4b=1".encode(), b"z=2&%E6%B5%8B=1")),
    ],
)
def test_ws_payloads_are_sorted_raw_and_urlencoded_where_that_differs(
    params: dict[str, str], payloads: tuple[bytes, ...]
) -> None:
    assert ws_payloads(params) == payloads


@pytest.mark.parametrize(
    ("honest", "spliced"),
    [
        ({"a": "1", "b": "2"}, {"a": "1&b=2"}),
        ({"a": "1", "b": "2", "c": "3"}, {"a": "1&b=2", "c": "3"}),
        ({"a": "b=1"}, {"a=b": "1"}),
    ],
)
def test_ws_request_cut_up_differently_shares_no_payload(
    honest: dict[str, str], spliced: dict[str, str]
) -> None:
    assert not set(ws_payloads(honest)) & set(ws_payloads(spliced))


def test_ws_payload_with_a_lone_surrogate_is_no_fault() -> None:
    raw, encoded = ws_payloads({"s": "\ud800"})
    assert raw == b"s=\xed\xa0\x80"
    assert encoded == b"s=%ED%A0%80"


def test_sign_rest_returns_a_pair_ready_to_append() -> None:
    key = generate("ed25519", CountingEntropy())
    pair = sign_rest(key.signer(), "a=1", "b=2")
    assert pair.startswith("signature=")
    assert not set(pair.removeprefix("signature=")) & set("+/=")
    payload, signature = rest_payload(f"a=1&{pair}".encode(), b"b=2")
    assert signature is not None
    assert key.public.verifier().verify(payload, signature)


def test_sign_ws_adds_the_signature_and_keeps_the_rest() -> None:
    params = {"b": "2", "a": "1"}
    assert sign_ws(SIGNER, params) == params | {"signature": SIGNER.sign(b"a=1&b=2")}
    assert "signature" not in params
