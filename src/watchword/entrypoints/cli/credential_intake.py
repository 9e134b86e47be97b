"""From what a person brings to an item in the vault's inbox, encrypted to its public key. Can decrypt nothing."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import typer

from watchword.adapters.system import SystemClock, SystemEntropy
from watchword.binance.upstreams import Upstream
from watchword.bootstrap.vault_view import Listed, header_of, listed, store_of
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.permission import Permission, UnknownPermission, read_permissions
from watchword.entrypoints.cli.key_terminal import terminal_present
from watchword.entrypoints.cli.vault_client import NobodyHoldsVaultError, VaultRefusedError, ask
from watchword.entrypoints.cli.vault_input import ask_passphrase
from watchword.entrypoints.vault.requests import RemoveCredential, TakeInbox
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.vault.admission import DEMO_KEK
from watchword.vault.intake import new_item
from watchword.vault.material import Material, read_material
from watchword.vault.outcome import Refused
from watchword.vault.record import RealCredential, clash, new_id, record_problem
from watchword.vault.store import Change


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


def bring(folder: Path, brought: Brought, passphrase_file: Path | None) -> Listed:
    """Encrypt a credential to the vault, and let the vault's process take it in if it is unsealed.

    Args:
        folder: The home.
        brought: What to put in.
        passphrase_file: For an encrypted private key; None asks at the terminal.

    Returns:
        The credential and where it is now.

    Raises:
        ConfigurationError: It cannot be used; nothing was stored.
        VaultRefusedError: The vault did not take it; it stays in the inbox, with the reason.
        StorageError: It could not be stored.
    """
    return post(folder, prepare(folder, brought, passphrase_file))


def prepare(
    folder: Path, brought: Brought, passphrase_file: Path | None, beside: Sequence[Prepared] = ()
) -> Prepared:
    """Read and judge what somebody brings, storing nothing.

    Args:
        folder: The home.
        brought: What to put in.
        passphrase_file: See `bring`.
        beside: What will be posted before it.

    Raises:
        ConfigurationError: It cannot be used.
    """
    store = store_of(folder)
    _, kek = header_of(store)
    if kek.demo and brought.upstream == "live":
        raise ConfigurationError(DEMO_KEK)
    material = _material(brought, passphrase_file)
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


def post(folder: Path, prepared: Prepared) -> Listed:
    """Encrypt to the vault's public key and put into its inbox. Returns and raises as `bring`."""
    store = store_of(folder)
    header, _ = header_of(store)
    store.post(new_item(header, prepared.record, prepared.material.secret))
    return _taken(folder, prepared.record)


def resolve(folder: Path, reference: str) -> Listed:
    """Find a credential by label, id, or a beginning of its id that only it has.

    Raises:
        ConfigurationError: There is none, or there are several.
    """
    found = listed(store_of(folder))
    exact = [one for one in found if reference in {one.record.label, one.record.id}]
    close = exact or [one for one in found if reference and one.record.id.startswith(reference)]
    if len(close) != 1:
        raise ConfigurationError(
            f"{'several credentials match' if close else 'there is no credential'} {reference!r}"
        )
    return close[0]


def drop(folder: Path, found: Listed) -> None:
    """Delete a credential: by the vault's process, or from the inbox if it never got further."""
    if found.state == "in vault":
        ask(folder, RemoveCredential(found.record.id))
    else:
        store_of(folder).apply(Change(taken=[found.record.id]))


def declared(texts: list[str] | None) -> list[Permission]:
    """Read permissions as people write them; reading is always among them.

    Raises:
        ConfigurationError: A text names none.
    """
    read = read_permissions(texts or [])
    if isinstance(read, UnknownPermission):
        raise ConfigurationError(str(read))
    return sorted(read | {"READING"})


def _material(brought: Brought, passphrase_file: Path | None) -> Material:
    """Read the secret, asking for a passphrase only when it is encrypted."""
    found = read_material(brought.secret, None, SystemEntropy(), brought.name)
    if (
        isinstance(found, KeyProblem)
        and found.reason == "passphrase_missing"
        and (passphrase_file or terminal_present())
    ):
        passphrase = ask_passphrase(passphrase_file, "Passphrase of the private key", new=False)
        found = read_material(brought.secret, passphrase, SystemEntropy(), brought.name)
    if isinstance(found, KeyProblem | Refused):
        raise ConfigurationError(str(found))
    return found


def _taken(folder: Path, record: RealCredential) -> Listed:
    """Ask the vault's process to look into the inbox; sealed or absent, it will later."""
    answer = None
    with contextlib.suppress(NobodyHoldsVaultError, VaultRefusedError):
        answer = ask(folder, TakeInbox())
    if answer is None:
        return Listed(record, "waiting")
    for secret_id, reason in answer["refused"]:
        if secret_id == record.id:
            raise VaultRefusedError(f"the vault did not take it in: {reason}")
    return Listed(record, "in vault")


def confirmed(question: str, *, default: bool) -> bool:
    """Ask yes or no, if there is anybody to ask; otherwise no."""
    return terminal_present() and typer.confirm(question, default=default, err=True)
