"""Output of a bot without its key, however it is cut up; and the names bots read."""

import base64

from hypothesis import given
from hypothesis import strategies as st
from tests.support.key_pairs import new_key_pair
from tests.support.trails import FixedEntropy

from watchword.entrypoints.cli.exec_names import (
    ALL_NAMES,
    API_KEY_NAMES,
    KEY_FILE_NAMES,
    SECRET_NAMES,
    BotKey,
    common_names,
    doors_at,
    names_for,
)
from watchword.entrypoints.cli.masking import STARS, Mask
from watchword.gateway.key_format import new_virtual_api_key, new_virtual_secret

KEY, SECRET = new_virtual_api_key(FixedEntropy(1)), new_virtual_secret(FixedEntropy(2))
PEM = new_key_pair("RSA")[0]
TEXTS = st.lists(
    st.sampled_from(
        (KEY, SECRET, SECRET[:30], SECRET[1:], KEY + SECRET, "W", "WWs1", "\n", "order placed ", "W" * 70)
    )
)


def shown(text: bytes, cuts: list[int], *secrets: str) -> bytes:
    """What a mask lets through when a text comes in pieces."""
    mask, out, at = Mask(secrets), b"", 0
    for cut in sorted({cut for cut in cuts if cut < len(text)}):
        out += mask.feed(text[at:cut])
        at = cut
    return out + mask.feed(text[at:]) + mask.rest()


@given(TEXTS, st.lists(st.integers(0, 400), max_size=40))
def test_secret_never_gets_through_wherever_the_stream_is_cut(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts).encode()
    out = shown(text, cuts, KEY, SECRET)
    assert out == shown(text, [], KEY, SECRET)
    assert SECRET.encode() not in out
    assert KEY.encode() not in out
    whole = text.replace(KEY.encode(), b"WWk1" + STARS).replace(SECRET.encode(), b"WWs1" + STARS)
    assert out == whole


def test_byte_by_byte_is_masked_too() -> None:
    text = f"secret={SECRET}; bye\n".encode()
    assert shown(text, list(range(len(text))), SECRET) == b"secret=WWs1" + STARS + b"; bye\n"


def test_private_key_is_masked_line_by_line_and_in_one_line() -> None:
    body = [line for line in PEM.splitlines() if not line.startswith("-----")]
    for text in (PEM, PEM.replace("\n", "\\n"), "".join(PEM.splitlines()), body[3]):
        out = shown(text.encode(), [1, 50, 99, 1000], PEM).decode()
        assert not [line for line in body if len(line) >= 16 and line in out]
    assert "BEGIN PRIVATE KEY" in shown(PEM.encode(), [], PEM).decode()


def test_what_is_no_secret_passes_as_it_came_and_at_once() -> None:
    mask = Mask((SECRET,))
    assert mask.feed(b"Password? ") == b"Password? "
    assert mask.feed(b"\xff\x00\r\n") == b"\xff\x00\r\n"
    assert mask.feed(b"ends like one: WW") == b"ends like one: "
    assert mask.rest() == b"WW"
    assert Mask(()).feed(SECRET.encode()) == SECRET.encode()
    encoded = base64.b64encode(SECRET.encode())
    assert shown(encoded, [], SECRET) == encoded, "what it does not promise"


def test_bots_find_their_key_under_every_name_and_nothing_else_under_the_rest() -> None:
    doors = doors_at("https://gw.example:8701/")
    hmac = names_for(BotKey(KEY, SECRET), doors)
    assert {hmac[name] for name in API_KEY_NAMES} == {KEY}
    assert {hmac[name] for name in SECRET_NAMES} == {SECRET}
    assert not set(KEY_FILE_NAMES) & set(hmac)
    assert hmac["BINANCE_BASE_URL"] == "https://gw.example:8701"
    assert hmac["BINANCE_WS_API_URL"] == "wss://gw.example:8701/ws-api/v3"
    # freqtrade lowers all parts of a name but the last, which ccxt must then know as it stands.
    assert hmac["FREQTRADE__EXCHANGE__CCXT_CONFIG__URLS__API__private"] == "https://gw.example:8701/api/v3"
    pair = names_for(BotKey(KEY, PEM, "/tmp/x/key.pem"), doors)
    assert {pair[name] for name in KEY_FILE_NAMES} == {"/tmp/x/key.pem"}
    assert pair["FREQTRADE__EXCHANGE__SECRET"] == PEM
    assert "BINANCE_API_SECRET" not in pair
    assert "BINANCE_API_SECRET" in ALL_NAMES, "so a real one in the environment is taken away"
    assert common_names(BotKey(KEY, SECRET), doors) == {
        "API_KEY": KEY,
        "API_SECRET": SECRET,
        "BASE_PATH": "https://gw.example:8701",
    }
    assert common_names(BotKey(KEY, PEM, "/f"), doors)["PRIVATE_KEY_PATH"] == "/f"
    assert SECRET not in repr(BotKey(KEY, SECRET))
