"""Each message goes to the sender of its channel, and to nobody where there is none."""

from watchword.accounts.ports import Message, Undelivered
from watchword.adapters.memory.messages import MemoryOutbox
from watchword.adapters.messages.by_channel import SendersByChannel

MAIL = Message("mail", "ann@example.org", "s", "t")
SMS = Message("sms", "+4915112345678", "", "t")


def test_message_goes_to_the_sender_of_its_channel() -> None:
    mail, sms, spare = MemoryOutbox(["mail"]), MemoryOutbox(["sms"]), MemoryOutbox(["mail"])
    sender = SendersByChannel([mail, sms, spare])
    assert sender.channels() == {"mail", "sms"}
    assert sender.send(MAIL) is None
    assert sender.send(SMS) is None
    assert (mail.sent, sms.sent, spare.sent) == ([MAIL], [SMS], [])


def test_channel_nobody_serves_is_undelivered() -> None:
    sender = SendersByChannel([MemoryOutbox(["mail"])])
    assert sender.send(SMS) == Undelivered("no way to send sms is set up")
    assert SendersByChannel([]).send(MAIL) == Undelivered("no way to send mail is set up")
    assert SendersByChannel([]).channels() == frozenset()


def test_failure_of_the_sender_is_passed_on() -> None:
    outbox = MemoryOutbox()
    outbox.broken = True
    assert isinstance(SendersByChannel([outbox]).send(MAIL), Undelivered)
    assert outbox.sent == []
