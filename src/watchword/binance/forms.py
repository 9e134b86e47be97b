"""Reads a request's parameters into a typed query, or gives Binance's refusal. Knows names, never meanings.

A query is a frozen struct whose fields are annotated with readers (binance/params.py); a field without a default is
mandatory. The order of checks is Binance's: too many parameters, mandatory ones, each value, unknown names. Rules
about combinations come after, elsewhere.

Source: errors.md -1101 to -1106, and live answers: an unknown name is reported before a missing conditional one.
"""

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, get_args

import msgspec

from watchword.binance.endpoints import Security
from watchword.binance.errors import WireError, missing
from watchword.binance.weights import Params

if TYPE_CHECKING:
    from collections.abc import Callable

Q = TypeVar("Q", bound="Query")

_SIGNED_NAMES: Final = ("timestamp", "recvWindow", "signature")
_WEBSOCKET_NAMES: Final = ("apiKey", "returnRateLimits")


class Query(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """Base of all queries: fields are written in snake case and travel in camel case."""


def too_many(expected: int, received: int) -> WireError:
    """-1101 for more parameters than the route has."""
    return WireError(-1101, f"Too many parameters; expected '{expected}' and received '{received}'.")


def unread(read: int, sent: int) -> WireError:
    """-1104 for names the route does not know."""
    return WireError(
        -1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
    )


def empty(name: str) -> WireError:
    """-1105 for an optional parameter that was sent without a value."""
    return WireError(-1105, f"Parameter '{name}' was empty.")


class Form(Generic[Q]):
    """Reads parameters for one query type. Built once per operation, at import."""

    __slots__ = ("_accepted", "_build", "_expected", "_mandatory", "_readers")

    def __init__(self, query: type[Q], security: Security) -> None:
        """Compile the reader table.

        Args:
            query: What to build.
            security: Signed routes also accept `timestamp`, `recvWindow` and `signature`.

        Raises:
            TypeError: A field has no reader.
        """
        self._build: Callable[..., Q] = query
        readers: dict[str, tuple[str, Callable[[str, str], Any]]] = {}
        mandatory: list[str] = []
        for field in msgspec.structs.fields(query):
            reader = _reader_of(field.type)
            if reader is None:
                raise TypeError(f"{query.__name__}.{field.name} has no reader")
            readers[field.encode_name] = (field.name, reader)
            if field.required:
                mandatory.append(field.encode_name)
        signed = _SIGNED_NAMES if security != "NONE" else ()
        self._readers = readers
        self._mandatory = tuple(mandatory)
        self._accepted = frozenset((*readers, *signed, *_WEBSOCKET_NAMES))
        self._expected = len(readers) + len(signed)

    def read(self, params: Params) -> Q | WireError:
        """Build the query.

        Args:
            params: Every parameter of the request, authentication included.

        Returns:
            The query, or the first refusal: -1101, -1102, -1105, the readers' own, or -1104.
        """
        if len(params) > self._expected and not self._accepted.issuperset(params):
            return too_many(self._expected, len(params))
        for name in self._mandatory:
            if not params.get(name):
                return missing(name)
        readers = self._readers
        values: dict[str, Any] = {}
        for name, text in params.items():
            if name in readers:
                if not text:
                    return empty(name)
                field, reader = readers[name]
                value = reader(name, text)
                if type(value) is WireError:
                    return value
                values[field] = value
        if len(values) < len(params) and not self._accepted.issuperset(params):
            return unread(len(params.keys() & self._accepted), len(params))
        return self._build(**values)


def _reader_of(annotation: Any) -> "Callable[[str, str], Any] | None":
    """Find the reader in `Annotated[X, reader]` or in `Annotated[X, reader] | None`."""
    marks: tuple[Callable[[str, str], Any], ...] = getattr(annotation, "__metadata__", ())
    if marks:
        return marks[0]
    found = (_reader_of(part) for part in get_args(annotation))
    return next((reader for reader in found if reader is not None), None)
