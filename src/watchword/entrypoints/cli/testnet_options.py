"""Options and arguments that several testnet commands share, and how their faults are shown."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from watchword.entrypoints.cli.admin_client import RefusedError
from watchword.entrypoints.cli.output import EXIT_REFUSED, refuse, show_json
from watchword.kernel.errors import ConfigurationError, WatchwordError

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        help="Folder of everything. Also WATCHWORD_HOME.",
        show_default="~/.watchword",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Deposits = Annotated[list[str], typer.Argument(metavar="ASSET=AMOUNT...", help="For example USDT=1000.")]


@contextmanager
def faults_shown(*, as_json: bool) -> Iterator[None]:
    """Turn a refusal or a fault into one line (or `{"error": …}`) and status 1."""
    try:
        yield
    except (RefusedError, WatchwordError) as error:
        if as_json:
            show_json({"error": str(error)})
            raise typer.Exit(EXIT_REFUSED) from error
        refuse(str(error))


def read_deposits(texts: list[str]) -> dict[str, str]:
    """Read `ASSET=AMOUNT` texts; what the amounts mean is judged by the testnet.

    Raises:
        ConfigurationError: A text has another form, or an asset is named twice.
    """
    deposits: dict[str, str] = {}
    for text in texts:
        asset, equals, amount = text.partition("=")
        if not asset or not equals or not amount:
            raise ConfigurationError(f"{text!r}: write ASSET=AMOUNT, for example USDT=1000")
        if asset in deposits:
            raise ConfigurationError(f"{asset} is named twice")
        deposits[asset] = amount
    return deposits
