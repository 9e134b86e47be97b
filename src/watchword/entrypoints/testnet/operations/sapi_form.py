"""Reads the parameters of a /sapi request. Like any other form, but for one thing: names it does not know are ignored.

Source: answers of the live /sapi routes, which take parameters of other routes and empty optional ones in silence.
"""

from typing import TYPE_CHECKING

from watchword.binance.forms import Form, Q

if TYPE_CHECKING:
    from watchword.binance.errors import WireError
    from watchword.binance.weights import Params


class SapiForm(Form[Q]):
    """A form that reads what it knows."""

    __slots__ = ()

    def __init__(self, query: type[Q]) -> None:
        """Compile the reader table of a signed route."""
        super().__init__(query, "USER_DATA")

    def read(self, params: "Params") -> "Q | WireError":
        """Build the query out of the parameters that have a reader and a text."""
        return super().read({name: text for name, text in params.items() if text and name in self._readers})
