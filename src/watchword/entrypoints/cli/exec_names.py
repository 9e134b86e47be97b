"""The names under which bots look for an exchange's address and their key. Pure; reads no environment.

Sources: README of python-binance and its examples, ccxt's command line, freqtrade's configuration ("Environment
variables": FREQTRADE__SECTION__KEY), Binance's official SDKs' examples.
"""

from typing import Final

import msgspec

#: Every name by which bots look for an API key, and for a secret. Names of a kind that is not given are taken away, so
#: that a bot cannot pick up a real key that lies in the same environment.
API_KEY_NAMES: Final = (
    "BINANCE_API_KEY",
    "BINANCE_APIKEY",
    "BINANCE_KEY",
    "FREQTRADE__EXCHANGE__KEY",
)
SECRET_NAMES: Final = (
    "BINANCE_API_SECRET",
    "BINANCE_SECRET_KEY",
    "BINANCE_SECRET",
    "BINANCE_APISECRET",
    "FREQTRADE__EXCHANGE__SECRET",
)
KEY_FILE_NAMES: Final = ("BINANCE_PRIVATE_KEY_PATH", "BINANCE_PRIVATE_KEY_FILE")
#: A private key's text, where the bot hands "the secret" to ccxt, which takes both.
SECRET_OR_PEM_NAMES: Final = ("BINANCE_SECRET", "FREQTRADE__EXCHANGE__SECRET")
OTHER_NAMES: Final = ("BINANCE_PRIVATE_KEY", "BINANCE_PRIVATE_KEY_PASSPHRASE", "BINANCE_PRIVATE_KEY_PASS")

_CCXT_URLS: Final = "FREQTRADE__EXCHANGE__CCXT_CONFIG__URLS__API__"

ALL_NAMES: Final = frozenset((*API_KEY_NAMES, *SECRET_NAMES, *KEY_FILE_NAMES, *OTHER_NAMES))


class BotKey(msgspec.Struct, frozen=True):
    """What a bot needs to sign.

    Attributes:
        api_key: The virtual key.
        secret: An HMAC secret, or the private key as PEM.
        key_file: Where the private key lies; empty for HMAC.
    """

    api_key: str
    secret: str
    key_file: str = ""

    def __repr__(self) -> str:
        return "BotKey(…)"


class Doors(msgspec.Struct, frozen=True):
    """Where the gateway listens.

    Attributes:
        rest: Scheme, host, port.
        ws_api: Whole URL of the WebSocket API.
        streams: Scheme, host, port of the streams.
    """

    rest: str
    ws_api: str
    streams: str


def names_for(key: BotKey, doors: Doors) -> dict[str, str]:
    """Return the variables to set."""
    names = dict.fromkeys(API_KEY_NAMES, key.api_key)
    if key.key_file:
        names |= dict.fromkeys(KEY_FILE_NAMES, key.key_file)
        names |= dict.fromkeys(SECRET_OR_PEM_NAMES, key.secret)
    else:
        names |= dict.fromkeys(SECRET_NAMES, key.secret)
    return names | _addresses(doors)


def common_names(key: BotKey, doors: Doors) -> dict[str, str]:
    """Return variables that the official SDKs' examples read, and other programs too: for where they are not set."""
    secret = {"PRIVATE_KEY_PATH": key.key_file} if key.key_file else {"API_SECRET": key.secret}
    return {"API_KEY": key.api_key, "BASE_PATH": doors.rest, **secret}


def doors_at(base_url: str) -> Doors:
    """Return the doors of a gateway all of whose doors are at one address."""
    rest = base_url.rstrip("/")
    socket = rest.replace("http", "ws", 1)
    return Doors(rest, f"{socket}/ws-api/v3", socket)


def _addresses(doors: Doors) -> dict[str, str]:
    return {
        "BINANCE_BASE_URL": doors.rest,
        "BINANCE_API_URL": f"{doors.rest}/api",
        "BINANCE_WS_API_URL": doors.ws_api,
        "BINANCE_STREAM_URL": doors.streams,
        "WATCHWORD_REST_URL": doors.rest,
        "WATCHWORD_WS_API_URL": doors.ws_api,
        "WATCHWORD_STREAMS_URL": doors.streams,
        **{f"{_CCXT_URLS}{name}": url for name, url in _ccxt_urls(doors).items()},
    }


def _ccxt_urls(doors: Doors) -> dict[str, str]:
    """Return ccxt's `urls.api`, by the names freqtrade reads: it lowers all parts of a name but the last."""
    return {
        "public": f"{doors.rest}/api/v3",
        "private": f"{doors.rest}/api/v3",
        "v1": f"{doors.rest}/api/v1",
        "sapi": f"{doors.rest}/sapi/v1",
        "fapiPublic": f"{doors.rest}/fapi/v1",
        "dapiPublic": f"{doors.rest}/dapi/v1",
        "WS__spot": f"{doors.streams}/ws",
        "WS__WS-API__spot": doors.ws_api,
    }
