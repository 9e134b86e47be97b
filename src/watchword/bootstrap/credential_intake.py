"""From what a person brings to an item in the vault's inbox, encrypted to its public key. Can decrypt nothing."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.binance.upstreams import Upstream
from watchword.bootstrap.vault_view import header_of, listed, store_of
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.permission import Permission
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.vault.admission import DEMO_KEK
from watchword.vault.intake import new_item
from watchword.vault.material import Material, read_material
from watchword.vault.outcome import Refused
from watchword.vault.record import RealCredential, clash, new_id, record_problem


class Brought(msgspec.Struct, frozen=True):
    """A credential before it is encrypted.

    Attributes:
        label, upstream, api_key, permissions, notes: See `RealCredential`.
        secret: As typed or read.
        name: Of the file it came from, for commands that fix it.
    """

    label: str
    upstream: Upstream
    api_key: str
    secret: Secret
    name: str
    permissions: list[Permission]
    notes: str = ""


class Prepared(msgspec.Struct, frozen=True):
    """A credential that may be encrypted and posted.

    Attributes:
        record: What is known about it.
        material: Its secret, in the form the vault keeps.
    """

    record: RealCredential
    material: Material


def material_of(brought: Brought, passphrase: Secret | None) -> Material | KeyProblem | Refused:
    """Read the secret somebody brings; see `vault.material.read_material`."""
    return read_material(brought.secret, passphrase, SystemEntropy(), brought.name)


def judged(folder: Path, brought: Brought, material: Material, beside: Sequence[Prepared] = ()) -> Prepared:
    """Judge what somebody brings, storing nothing.

    Args:
        folder: The home.
        brought: What to put in.
        material: Its secret, read.
        beside: What will be posted before it.

    Raises:
        ConfigurationError: It cannot be used.
    """
    store = store_of(folder)
    _, kek = header_of(store)
    if kek.demo and brought.upstream == "live":
        raise ConfigurationError(DEMO_KEK)
    record = RealCredential(
        id=new_id(SystemEntropy()),
        label=brought.label,
        upstream=brought.upstream,
        key_type=material.key_type,
        api_key=brought.api_key,
        permissions=tuple(brought.permissions),
        public_key=material.public.pem() if material.public else "",
        fingerprint=material.public.fingerprint if material.public else "",
        created_us=SystemClock().now_us(),
        notes=brought.notes,
    )
    others = [one.record for one in listed(store)] + [one.record for one in beside]
    wrong = record_problem(record) or clash(record, others)
    if wrong or not record.api_key:
        raise ConfigurationError(wrong or "an API key is needed: --api-key")
    return Prepared(record, material)


def post(folder: Path, prepared: Prepared) -> None:
    """Encrypt to the vault's public key and put into its inbox.

    Raises:
        StorageError: It could not be stored.
    """
    store = store_of(folder)
    header, _ = header_of(store)
    store.post(new_item(header, prepared.record, prepared.material.secret))
