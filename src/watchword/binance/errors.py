"""Binance's error codes and texts as values.

A `WireError` is an expected refusal: it is returned, never raised. Only the entrypoints turn it into a response.

Source: errors.md of binance-spot-api-docs; HTTP statuses as observed by its users where the document is silent.
"""

from typing import Final, final

import msgspec


@final
class WireError(msgspec.Struct, frozen=True):
    """What Binance would answer.

    Final, so that hot paths may ask `type(x) is WireError`: a struct's `isinstance` takes four times as long.

    Attributes:
        code: Negative error code.
        text: The `msg` field, exact to the letter: clients compare it.
        http_status: Status for REST, also `status` on the WebSocket API.
        retry_after_us: Moment (epoch microseconds) until which the caller must wait; 0 where it does not apply.
        payload: JSON of the `data` member (only cancel-replace has one), or empty.
    """

    code: int
    text: str
    http_status: int = 400
    retry_after_us: int = 0
    payload: bytes = b""


BAD_API_KEY_FORMAT: Final = WireError(-2014, "API-key format invalid.", 401)
REJECTED_API_KEY: Final = WireError(-2015, "Invalid API-key, IP, or permissions for action.", 401)
BAD_SIGNATURE: Final = WireError(-1022, "Signature for this request is not valid.")
TIMESTAMP_STALE: Final = WireError(-1021, "Timestamp for this request is outside of the recvWindow.")
TIMESTAMP_AHEAD: Final = WireError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
UNAUTHORIZED: Final = WireError(-1002, "You are not authorized to execute this request.", 401)
UNKNOWN: Final = WireError(-1000, "An unknown error occurred while processing the request.", 500)
DISCONNECTED: Final = WireError(
    -1001, "Internal error; unable to process your request. Please try again.", 500
)
TIMEOUT: Final = WireError(
    -1007,
    "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    504,
)
OVERLOADED: Final = WireError(
    -1008, "Server is currently overloaded with other requests. Please try again in a few minutes.", 503
)
BAD_SYMBOL: Final = WireError(-1121, "Invalid symbol.")
NO_SUCH_ORDER: Final = WireError(-2013, "Order does not exist.")
DUPLICATE_PARAMETER: Final = WireError(-1101, "Duplicate values for a parameter detected.")


def missing(name: str) -> WireError:
    """-1102 for a mandatory parameter that is absent, empty or unreadable."""
    return WireError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def either_missing(first: str, second: str) -> WireError:
    """-1102 where one of two parameters is needed and neither was sent."""
    return WireError(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def illegal(name: str, legal_range: str) -> WireError:
    """-1100 for characters outside the legal range (a regular expression)."""
    return WireError(
        -1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal_range}'."
    )


def not_required(name: str) -> WireError:
    """-1106 for a parameter the request must not carry."""
    return WireError(-1106, f"Parameter '{name}' sent when not required.")


def too_precise(name: str) -> WireError:
    """-1111 for a decimal with more digits than the asset has."""
    return WireError(-1111, f"Parameter '{name}' has too much precision.")


def filter_failure(name: str) -> WireError:
    """-1013 for a static filter, for example `PRICE_FILTER`."""
    return WireError(-1013, f"Filter failure: {name}")


def new_order_rejected(text: str) -> WireError:
    """-2010: the engine refused a new order."""
    return WireError(-2010, text)


def cancel_rejected(text: str) -> WireError:
    """-2011: the engine refused a cancel."""
    return WireError(-2011, text)


INSUFFICIENT_BALANCE: Final = new_order_rejected("Account has insufficient balance for requested action.")
MARKET_CLOSED: Final = new_order_rejected("Market is closed.")
DUPLICATE_ORDER: Final = new_order_rejected("Duplicate order sent.")
WOULD_TRIGGER: Final = new_order_rejected("Order would trigger immediately.")
WOULD_TAKE: Final = new_order_rejected("Order would immediately match and take.")
BAD_PRICE_RELATION: Final = new_order_rejected(
    "The relationship of the prices for the orders is not correct."
)
UNKNOWN_ORDER: Final = cancel_rejected("Unknown order sent.")
CANCEL_RESTRICTED: Final = cancel_rejected("Order was not canceled due to cancel restrictions.")
CANCEL_IDS_DISAGREE: Final = cancel_rejected("Cancel order is invalid. Check origClOrdId and orderId.")
