"""What the operations of one testnet keep at hand between calls: recent averages, client order ids in stock.

Nothing here is state: it can be dropped at any moment, and no answer depends on it beyond an average's second of age.
"""

from typing import TYPE_CHECKING, Final

from watchword.kernel.entropy import Entropy, alphanumeric

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet

#: Length of the client order ids Binance makes up.
CLIENT_ID_LENGTH: Final = 22
#: Ids drawn at once. Why in stock: a draw per order is a system call per order.
STOCK_IDS: Final = 256


class Scratch:
    """The odds and ends of one testnet.

    Attributes:
        averages: Average price by symbol and the second it was taken in.
    """

    __slots__ = ("_entropy", "_stock", "averages")

    def __init__(self, entropy: Entropy) -> None:
        self.averages: dict[str, tuple[int, int]] = {}
        self._entropy = entropy
        self._stock: list[str] = []

    def client_id(self) -> str:
        """Return a client order id nobody sent: 22 random letters and digits."""
        if not self._stock:
            text = alphanumeric(self._entropy, STOCK_IDS * CLIENT_ID_LENGTH)
            self._stock = [text[at : at + CLIENT_ID_LENGTH] for at in range(0, len(text), CLIENT_ID_LENGTH)]
        return self._stock.pop()


def scratch_of(testnet: "Testnet") -> Scratch:
    """Return the testnet's own scratch."""
    scratch: Scratch | None = testnet.at_hand.get(Scratch)
    if scratch is None:
        scratch = testnet.at_hand[Scratch] = Scratch(testnet.entropy)
    return scratch


def new_client_id(testnet: "Testnet") -> str:
    """Return a client order id nobody sent."""
    return scratch_of(testnet).client_id()
