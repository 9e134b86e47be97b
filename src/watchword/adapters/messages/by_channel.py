"""One sender out of several: each message goes to whoever serves its channel. Never sends anything itself."""

from collections.abc import Sequence

from watchword.accounts.model import Channel
from watchword.accounts.ports import Message, MessageSender, Undelivered


class SendersByChannel:
    """See `MessageSender`. Without any sender every message is undelivered, which lets nobody in."""

    def __init__(self, senders: Sequence[MessageSender]) -> None:
        """Take the senders that are configured; of two for one channel the first counts."""
        self._senders = {channel: sender for sender in reversed(senders) for channel in sender.channels()}

    def send(self, message: Message) -> Undelivered | None:
        """See `MessageSender.send`."""
        sender = self._senders.get(message.channel)
        if sender is None:
            return Undelivered(f"no way to send {message.channel} is set up")
        return sender.send(message)

    def channels(self) -> frozenset[Channel]:
        """See `MessageSender.channels`."""
        return frozenset(self._senders)
