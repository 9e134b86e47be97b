"""How people, their addresses and their labels may be written. Never asks whether an address exists.

Strict on purpose: names stand in policies and audit rows, addresses in mail headers.
"""

import re
from typing import Final

from watchword.accounts.model import AGENT_LENGTH_MAX, Channel
from watchword.accounts.refusal import Refused

NAME_LENGTH_MAX: Final = 32
#: Source: RFC 5321 §4.5.3.1 (64 before the sign, 254 in a path).
MAIL_LENGTH_MAX: Final = 254
LABEL_LENGTH_MAX: Final = 64
SUBJECT_LENGTH_MAX: Final = 64
IP_LENGTH_MAX: Final = 45

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,31}")
_MAIL: Final = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
#: Source: ITU-T E.164, at most fifteen digits.
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_SUBJECT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


def name_refused(name: str) -> Refused | None:
    """Refuse what is no name: 2 to 32 of a-z, 0-9, dot, underscore, hyphen; a letter or digit first."""
    if _NAME.fullmatch(name):
        return None
    return Refused(
        "bad_name", f"a name is 2 to {NAME_LENGTH_MAX} of a-z, 0-9, '.', '_', '-', a letter or digit first"
    )


def mail_refused(mail: str) -> Refused | None:
    """Refuse what is no mail address in lower case, or longer than one may be."""
    if len(mail) <= MAIL_LENGTH_MAX and _MAIL.fullmatch(mail):
        return None
    return Refused("bad_mail", "write a mail address in lower case, such as ana@example.org")


def phone_refused(phone: str) -> Refused | None:
    """Refuse what is no phone number: a plus sign and 7 to 15 digits."""
    if _PHONE.fullmatch(phone):
        return None
    return Refused("bad_phone", "write a phone number with its country, such as +4930123456, without spaces")


def address_refused(channel: Channel, address: str) -> Refused | None:
    """Refuse what nothing can be sent to over this channel."""
    return mail_refused(address) if channel == "mail" else phone_refused(address)


def label_refused(label: str) -> Refused | None:
    """Refuse a label that cannot be shown on one line."""
    if 0 < len(label) <= LABEL_LENGTH_MAX and label.isprintable() and label == label.strip():
        return None
    return Refused("bad_label", f"a label is 1 to {LABEL_LENGTH_MAX} printable characters")


def subject_refused(subject: str) -> Refused | None:
    """Refuse what is no id of a virtual key or credential."""
    if _SUBJECT.fullmatch(subject):
        return None
    return Refused("bad_subject", "name a virtual key or credential by its id")


def tidy_agent(agent: str) -> str:
    """Cut what a device says of itself to printable characters of a bounded number."""
    cut = agent[:AGENT_LENGTH_MAX]
    return "".join(character if character.isprintable() else "?" for character in cut)
