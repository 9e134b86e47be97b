"""What people are told after `tls init`: how each client learns to trust the authority. Prints and changes nothing."""

from pathlib import Path
from typing import Final

#: How, by client; `{ca}` is the authority's file. docs/recipes/tls.md says more; its tests follow every Python row.
_WAYS: Final = (
    ("python-binance, binance-sdk-spot, requests", "REQUESTS_CA_BUNDLE={ca}"),
    ("… their async clients and sockets, aiohttp, websockets", "SSL_CERT_FILE={ca}"),
    ("ccxt", '{{"requests_trust_env": True}} and REQUESTS_CA_BUNDLE={ca}'),
    ("ccxt async and pro", '{{"cafile": "{ca}"}}'),
    ("freqtrade", 'both of ccxt, in exchange.ccxt_config: {{"requests_trust_env": true, "cafile": "{ca}"}}'),
    ("node (ccxt, binance, @binance/spot)", "NODE_EXTRA_CA_CERTS={ca}"),
    ("curl", "CURL_CA_BUNDLE={ca}"),
    ("Go, OpenSSL, Ruby", "SSL_CERT_FILE={ca}"),
)
#: Set together they reach nearly every client; each client reads its own and ignores the rest.
_VARIABLES: Final = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE")


def ways_to_trust(authority: Path) -> list[tuple[str, str]]:
    """Say, client by client, how it is told to trust an authority.

    Args:
        authority: The file without the private key.
    """
    return [(client, way.format(ca=authority)) for client, way in _WAYS]


def environment(authority: Path) -> dict[str, str]:
    """Return the environment variables that tell clients, for scripts."""
    return dict.fromkeys(_VARIABLES, str(authority))
