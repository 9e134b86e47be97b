"""Endpoint name → handler. The only place that knows all subjects; adds no behaviour."""

from typing import Final

from watchword.entrypoints.testnet.operations.call import Handler

OPERATIONS: Final[dict[str, Handler]] = {}
