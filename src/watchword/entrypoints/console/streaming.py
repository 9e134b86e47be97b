"""Answers that are sent piece by piece: exports and live events. Knows no subject and decides nothing.

A reader that takes nothing for SEND_S_MAX loses the connection, and so does one whose answer cannot be finished: what
ends without its last chunk is seen to be cut off.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Final

import msgspec
from starlette.responses import StreamingResponse

from watchword.kernel.errors import InvariantError, WatchwordError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

LOG = logging.getLogger("watchword.console")

CSV: Final = "text/csv; charset=utf-8"
EVENTS: Final = "text/event-stream"
#: How long one piece may take to leave.
SEND_S_MAX: Final = 10.0
#: Where the protocol leaves the way to cut a connection off.
CUT_OFF: Final = "watchword.cut_off"


class Streamed(msgspec.Struct, frozen=True):
    """An answer in pieces.

    Attributes:
        pieces: As they are sent; closed when the reader is gone.
        media: Its type.
        filename: To save it under; empty to show it.
    """

    pieces: AsyncIterator[bytes]
    media: str
    filename: str = ""

    async def close(self) -> None:
        """Let go of it unread."""
        close = getattr(self.pieces, "aclose", None)
        if close is not None:
            await close()


class StreamedResponse(StreamingResponse):
    """Sends pieces, none of them for ever."""

    def __init__(self, answer: Streamed, headers: Mapping[str, str], send_s_max: float = SEND_S_MAX) -> None:
        """Prepare.

        Args:
            answer: What is sent.
            headers: Beside the ones it has itself.
            send_s_max: How long a piece may take.
        """
        saved = (
            {"content-disposition": f'attachment; filename="{answer.filename}"'} if answer.filename else {}
        )
        super().__init__(answer.pieces, headers={**headers, **saved}, media_type=answer.media)
        self._answer, self._send_s_max = answer, send_s_max
        self._cut_off = _uncut

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Send it; ends when the reader does."""
        self._cut_off = scope.get(CUT_OFF, _uncut)
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._answer.close()

    async def stream_response(self, send: "Send") -> None:
        """Send the head, each piece, and the end."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        try:
            async for piece in self._answer.pieces:
                async with asyncio.timeout(self._send_s_max):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        except InvariantError:
            raise
        except (WatchwordError, TimeoutError) as error:
            LOG.warning("an answer in pieces was cut off: %s", str(error) or type(error).__name__)
            self._cut_off()
            # The loss of the connection is noticed before this ends, so nobody complains of a missing end.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _uncut() -> None:
    """Stand in where no protocol of ours serves."""
