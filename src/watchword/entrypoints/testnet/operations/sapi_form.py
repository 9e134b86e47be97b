"""Reads the parameters of a /sapi request. Like any other form, but for one thing: names it does not know are ignored.

Source: answers of the live /sapi routes, which take parameters of other routes and empty optional ones in silence.
"""

from typing import TYPE_CHECKING, Annotated, Final

from watchword.binance.forms import Form, Q
from watchword.binance.params import invalid

if TYPE_CHECKING:
    from watchword.binance.errors import WireError
    from watchword.binance.weights import Params


#: Longer than any asset's name. What is asked for is journaled, refused or not, so no text of it is as long as it likes.
ASSET_LENGTH_MAX: Final = 20


def _read_asset(name: str, text: str) -> "str | WireError":
    return text if len(text) <= ASSET_LENGTH_MAX else invalid(name)


#: An asset's name; whether there is such an asset is asked later.
Asset = Annotated[str, _read_asset]


class SapiForm(Form[Q]):
    """A form that reads what it knows."""

    __slots__ = ()

    def __init__(self, query: type[Q]) -> None:
        """Compile the reader table of a signed route."""
        super().__init__(query, "USER_DATA")

    def read(self, params: "Params") -> "Q | WireError":
        """Build the query out of the parameters that have a reader and a text."""
        return super().read({name: text for name, text in params.items() if text and name in self._readers})
