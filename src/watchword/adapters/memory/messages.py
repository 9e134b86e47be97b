"""A message sender that keeps what it is given, for tests. Nothing leaves."""

from collections.abc import Sequence

from watchword.accounts.model import Channel
from watchword.accounts.ports import Message, Undelivered


class MemoryOutbox:
    """Implements `accounts.ports.MessageSender` with a list.

    Attributes:
        sent: What was handed over, oldest first.
        broken: While True nothing is taken.
    """

    def __init__(self, channels: Sequence[Channel] = ("mail", "sms")) -> None:
        self._channels = frozenset(channels)
        self.sent: list[Message] = []
        self.broken = False

    def send(self, message: Message) -> Undelivered | None:
        """Keep one message."""
        if self.broken or message.channel not in self._channels:
            return Undelivered("the outbox takes nothing")
        self.sent.append(message)
        return None

    def channels(self) -> frozenset[Channel]:
        """Return what this outbox was made for."""
        return self._channels
