import pytest
from tests.support.people import ELSEWHERE, NOW_US

from watchword.accounts import security_messages as texts
from watchword.accounts.model import Origin, Person
from watchword.accounts.ports import Message

ANA = Person(id="p-ana", name="ana", mail="ana@example.org", role="trader", password="phc of ana")

EVERY = [
    texts.new_address(ANA, ELSEWHERE, NOW_US),
    texts.factor_added(ANA, "totp", ELSEWHERE, NOW_US),
    texts.factor_removed(ANA, "webauthn", ELSEWHERE, NOW_US),
    texts.recovery_used(ANA, 9, ELSEWHERE, NOW_US),
    texts.password_changed(ANA, ELSEWHERE, NOW_US),
    texts.contact_changed(ANA, ELSEWHERE, NOW_US),
    texts.key_made(ANA, "bot", "API key", ELSEWHERE, NOW_US),
    texts.locked(ANA, NOW_US + 30_000_000, ELSEWHERE, NOW_US),
]


@pytest.mark.parametrize("mail", EVERY, ids=lambda mail: mail.subject)
def test_mail_says_when_from_where_and_what_to_do(mail: Message) -> None:
    assert (mail.channel, mail.address) == ("mail", "ana@example.org")
    assert "2026-09-21" in mail.text
    assert ELSEWHERE.ip in mail.text
    assert ELSEWHERE.agent in mail.text
    assert "If this was not you" in mail.text


@pytest.mark.parametrize("mail", EVERY, ids=lambda mail: mail.subject)
def test_mail_holds_no_secret_no_link_and_does_not_print(mail: Message) -> None:
    assert "phc of ana" not in mail.text
    assert "http" not in mail.text
    assert mail.text not in repr(mail)
    assert mail.subject.isprintable()


def test_locked_mail_says_until_when() -> None:
    assert "until 2026-09-21 14:13:50 UTC" in EVERY[-1].text


def test_label_and_device_cannot_write_lines_or_headers() -> None:
    origin = Origin("192.0.2.7", "curl\r\nBcc: all@example.org\n\nClick http://evil")
    mail = texts.key_made(ANA, "bot\r\nSubject: x", "API key\r\nBcc: y", origin, NOW_US)
    assert "\r" not in mail.text + mail.subject
    assert not any(line.startswith(("Bcc:", "Subject:", "Click")) for line in mail.text.splitlines())
    assert "\n" not in mail.subject
