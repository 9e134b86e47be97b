"""The session of tests/contract/clients/test_python_binance_async.py through the gateway; only base URL and key differ."""

from tests.contract.clients import test_python_binance_async as session

# The same tests, fixtures of their own included, run with this folder's testnet.
globals().update({name: value for name, value in vars(session).items() if not name.startswith("__")})
