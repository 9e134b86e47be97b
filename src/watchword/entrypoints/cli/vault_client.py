"""How a command reaches a vault: its holder through the admin socket, its store for what needs no key. Never prints.

The command line never opens the vault. What needs the KEK is asked of the process that holds it.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watchword.entrypoints.cli.output import EXIT_REFUSED, refuse, show_json
from watchword.kernel.errors import ConfigurationError, WatchwordError

if TYPE_CHECKING:
    from watchword.entrypoints.vault.requests import AnyRequest

ANSWER_S_MAX: Final = 300.0

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of everything. Also WATCHWORD_HOME.", show_default="~/.watchword"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class VaultRefusedError(WatchwordError):
    """The vault said no; the text says why."""


class NobodyHoldsVaultError(ConfigurationError):
    """No process holds this home's vault."""

    def __init__(self) -> None:
        super().__init__(
            "nobody holds this vault, so it is sealed; start the gateway with: watchword gateway serve"
        )


def ask(home: Path, request: "AnyRequest") -> dict[str, Any]:
    """Ask the process that holds a home's vault.

    Args:
        home: Absolute.
        request: What to do.

    Returns:
        The answer's fields.

    Raises:
        NobodyHoldsVaultError: No such process.
        VaultRefusedError: It said no.
        StorageError: It ended before it answered.
    """
    from watchword.adapters.vault_home import vault_socket_path
    from watchword.entrypoints.cli.neighbour import Neighbour
    from watchword.entrypoints.vault.requests import write_request

    try:
        holder = Neighbour(
            vault_socket_path(home), "the vault's process", write_request, VaultRefusedError, ANSWER_S_MAX
        )
    except OSError as error:
        raise NobodyHoldsVaultError from error
    with contextlib.closing(holder):
        answered: dict[str, Any] = holder.ask(request)
    return answered


def held(home: Path) -> bool:
    """Whether a process holds the vault and listens."""
    from watchword.adapters.vault_home import vault_socket_path
    from watchword.entrypoints.sockets.admin_socket import connect

    try:
        connect(vault_socket_path(home)).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def faults_shown(*, as_json: bool) -> Iterator[None]:
    """Turn a refusal or a fault into one line (or `{"error": …}`) and status 1."""
    try:
        yield
    except WatchwordError as error:
        if as_json:
            show_json({"error": str(error)})
            raise typer.Exit(EXIT_REFUSED) from error
        refuse(str(error))
