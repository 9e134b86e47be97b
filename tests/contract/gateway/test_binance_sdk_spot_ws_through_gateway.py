"""The session of tests/contract/clients/test_binance_sdk_spot_ws.py through the gateway; only base URL and key differ."""

from tests.contract.clients import test_binance_sdk_spot_ws as session

# The same tests, fixtures of their own included, run with this folder's testnet.
globals().update({name: value for name, value in vars(session).items() if not name.startswith("__")})
