"""A box for secret bytes that does not print, compare, pickle or format itself."""

from typing import NoReturn, final


@final
class Secret:
    """Bytes that must not leak by accident.

    `reveal()` is the only way out, and an architecture test lists the modules that may call it.
    What this cannot promise: Python may have copied the bytes before they got here, and memory is not wiped.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """Return the bytes. Callers are listed in tests/architecture."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("compare secrets with hmac.compare_digest on revealed bytes, never with ==")

    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")
