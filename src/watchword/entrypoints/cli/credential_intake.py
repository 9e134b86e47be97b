"""What a person brings at a terminal, on its way into the vault's inbox. Asks for a passphrase; can decrypt nothing."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import typer

from watchword.bootstrap import credential_intake as intake
from watchword.bootstrap.credential_intake import Brought, Prepared
from watchword.bootstrap.vault_view import Listed, listed, store_of
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.permission import Permission, UnknownPermission, read_permissions
from watchword.entrypoints.cli.key_terminal import terminal_present
from watchword.entrypoints.cli.vault_client import NobodyHoldsVaultError, VaultRefusedError, ask
from watchword.entrypoints.cli.vault_input import ask_passphrase
from watchword.entrypoints.vault.requests import RemoveCredential, TakeInbox
from watchword.kernel.errors import ConfigurationError
from watchword.vault.material import Material
from watchword.vault.outcome import Refused
from watchword.vault.record import RealCredential
from watchword.vault.store import Change


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
    return intake.judged(folder, brought, _material(brought, passphrase_file), beside)


def post(folder: Path, prepared: Prepared) -> Listed:
    """Encrypt to the vault's public key and put into its inbox. Returns and raises as `bring`."""
    intake.post(folder, prepared)
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
    found = intake.material_of(brought, None)
    if (
        isinstance(found, KeyProblem)
        and found.reason == "passphrase_missing"
        and (passphrase_file or terminal_present())
    ):
        passphrase = ask_passphrase(passphrase_file, "Passphrase of the private key", new=False)
        found = intake.material_of(brought, passphrase)
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
