"""Gives events their rows: the one place where a chain grows. Keeps its end in memory; storing is somebody else's."""

from watchword.audit.chain import NO_DIGEST, Head, Row, seal
from watchword.audit.checkpoint import make_checkpoint
from watchword.audit.event import encode_event
from watchword.credentials.signer import Signer


class Sealer:
    """The growing end of one chain.

    Attributes:
        trail: The trail's id.
        head: Its last row.
        unsigned_rows: Rows since the last checkpoint.
    """

    def __init__(
        self, signer: Signer, trail: str, head: Head | None = None, first: bytes = NO_DIGEST
    ) -> None:
        """Go on where a chain ends.

        Args:
            signer: Of the trail's key.
            trail: The trail's id.
            head: The last row; None begins a new chain.
            first: Digest of row 1, where there is one.
        """
        self.trail = trail
        self.head = head or Head()
        self.unsigned_rows = 0
        self._signer = signer
        self._first = first

    def seal(self, body: bytes, now_us: int) -> Row:
        """Make the next row. A clock that went back does not take the chain with it."""
        row = seal(body, self.head, max(now_us, self.head.now_us))
        if row.number == 1:
            self._first = row.digest
        self.head = row.head
        self.unsigned_rows += 1
        return row

    def sign(self, now_us: int) -> Row:
        """Make the next row a signed checkpoint of the one before it."""
        checkpoint = make_checkpoint(self._signer, self.trail, self.head, self._first)
        row = self.seal(encode_event(checkpoint), now_us)
        self.unsigned_rows = 0
        return row
