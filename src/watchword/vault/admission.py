"""Judges what waits in the inbox: opened, it must be what its record says. Never stores and never loses an item."""

import msgspec

from watchword.kernel.secret import Secret
from watchword.vault.envelope import open_sealed
from watchword.vault.intake import item_context
from watchword.vault.keyring import Keyring
from watchword.vault.material import material_problem
from watchword.vault.outcome import Refused
from watchword.vault.record import (
    SECRETS_COUNT_MAX,
    InboxItem,
    RealCredential,
    clash,
    decode_record,
    record_problem,
)

DEMO_KEK = "this vault's KEK is a demo key file, which refuses live credentials; change it with: watchword vault rekey"


class Admitted(msgspec.Struct, frozen=True):
    """A secret that may be stored."""

    record: RealCredential
    secret: Secret


def open_item(keyring: Keyring, item: InboxItem, *, demo: bool) -> Admitted | Refused:
    """Open an inbox item and judge it.

    Args:
        keyring: Of the unsealed vault.
        item: As posted.
        demo: Whether the vault's KEK is a demo one.
    """
    secret = open_sealed(keyring.intake, item.sealed, item_context(keyring.vault_id, item.id, item.record))
    if secret is None:
        return Refused("it does not open: altered on the way, or made for another vault")
    try:
        record = decode_record(item.record)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Refused("its record is not one")
    if record.id != item.id:
        return Refused("its record belongs to another id")
    return admit(keyring, record, secret, demo=demo)


def admit(keyring: Keyring, record: RealCredential, secret: Secret, *, demo: bool) -> Admitted | Refused:
    """Judge a credential that wants in.

    Args:
        keyring: What is there already.
        record: Of the credential.
        secret: Its secret.
        demo: Whether the vault's KEK is a demo one.
    """
    if demo and record.upstream == "live":
        return Refused(DEMO_KEK)
    if record.id in keyring.rows:
        return Refused(f"there is a secret under {record.id} already")
    if len(keyring.rows) >= SECRETS_COUNT_MAX:
        return Refused(f"the vault holds at most {SECRETS_COUNT_MAX} secrets")
    wrong = (
        record_problem(record)
        or clash(record, list(keyring.records.values()))
        or material_problem(record, secret)
    )
    return Refused(wrong) if wrong else Admitted(record, secret)
