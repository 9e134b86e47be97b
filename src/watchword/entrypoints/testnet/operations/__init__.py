"""The testnet's operations: one handler per endpoint, shared by REST and the WebSocket API.

A handler reads parameters, reads the venue or submits a command, and returns the JSON of the result. It never
authenticates, counts limits, or knows sockets and HTTP statuses (a `WireError` carries its own).

    from watchword.entrypoints.testnet.operations import OPERATIONS, Call
    answer = await OPERATIONS[endpoint.name](testnet, call)     # bytes | WireError
"""

from watchword.entrypoints.testnet.operations.call import Call, Handler, OrderCounts
from watchword.entrypoints.testnet.operations.registry import OPERATIONS

__all__ = ["OPERATIONS", "Call", "Handler", "OrderCounts"]
