"""From a bot's own file to the vault, and then the file without its secret. Never prints a secret."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from watchword.adapters.secret_files import blank, read_whole
from watchword.binance.upstreams import Upstream
from watchword.bootstrap.credential_intake import Brought, Prepared
from watchword.entrypoints.cli.credential_intake import confirmed, declared, post, prepare
from watchword.entrypoints.cli.credential_show import show_credential
from watchword.entrypoints.cli.key_terminal import warn
from watchword.entrypoints.cli.output import say
from watchword.entrypoints.cli.vault_input import ask_passphrase
from watchword.kernel.errors import ConfigurationError
from watchword.vault.importers.detect import FORMATS, Format, detect
from watchword.vault.importers.dotenv import read_dotenv
from watchword.vault.importers.found import FILE_BYTES_MAX, Found, blanked
from watchword.vault.importers.hummingbot import read_connector, read_old_file
from watchword.vault.importers.json_config import read_ccxt, read_freqtrade
from watchword.vault.importers.pem_file import read_pem_file
from watchword.vault.outcome import Refused

_NAMES: Final[dict[str, Format]] = {name: name for name in FORMATS}


class Wanted(msgspec.Struct, frozen=True):
    """What the command line asked for.

    Attributes:
        file: To import from.
        format: `auto`, or a name of FORMATS.
        upstream: Of what is in it.
        label: Empty takes the file's name.
        api_key: For files that have none.
        permission: As typed.
        notes: Free text.
    """

    file: Path
    format: str
    upstream: Upstream
    label: str
    api_key: str
    permission: list[str] | None
    notes: str


def import_from(
    folder: Path, wanted: Wanted, passphrase_file: Path | None, blank_it: bool | None, *, as_json: bool
) -> list[dict[str, Any]]:
    """Import every credential a file holds, then blank the secrets if wanted.

    Args:
        folder: The home.
        wanted: See `Wanted`.
        passphrase_file: Of an encrypted private key, or hummingbot's password.
        blank_it: None asks.
        as_json: Print nothing here.

    Returns:
        What came in, JSON-ready, each with `blanked`.

    Raises:
        ConfigurationError, VaultRefusedError, StorageError: The file was not changed.
    """
    raw = read_whole(wanted.file, FILE_BYTES_MAX)
    found = _read(raw, wanted, passphrase_file)
    # All are judged before the first is stored, so that a file comes in whole or not at all.
    prepared: list[Prepared] = []
    for one in _brought(found, wanted):
        prepared.append(prepare(folder, one, passphrase_file, prepared))
    done, all_in = [], True
    for ready, where in zip(prepared, (each.where for each in found), strict=True):
        listed = post(folder, ready)
        all_in = all_in and listed.state == "in vault"
        if not as_json:
            show_credential(listed.record, listed.state, as_json=False)
        done.append({**msgspec.to_builtins(listed.record), "state": listed.state, "where": where})
    cleaned = _blank(wanted.file, raw, found, blank_it, all_in=all_in)
    if cleaned and not as_json:
        say(f"The secret is gone from {wanted.file}. Copies, backups and version control may still have it.")
    return [{**one, "blanked": cleaned} for one in done]


def _brought(found: list[Found], wanted: Wanted) -> Iterator[Brought]:
    """Label what was found; several get numbers."""
    base = wanted.label or wanted.file.stem.lstrip(".") or "import"
    for at, one in enumerate(found):
        yield Brought(
            base if at == 0 else f"{base}-{at + 1}",
            wanted.upstream,
            wanted.api_key if len(found) == 1 and wanted.api_key else one.api_key,
            one.secret,
            str(wanted.file),
            declared(wanted.permission),
            wanted.notes,
        )


def _read(raw: bytes, wanted: Wanted, passphrase_file: Path | None) -> list[Found]:
    found: list[Found] | Refused
    chosen = detect(raw) if wanted.format == "auto" else _NAMES[wanted.format]
    match chosen:
        case "freqtrade":
            found = read_freqtrade(raw)
        case "ccxt":
            found = read_ccxt(raw)
        case "env":
            found = read_dotenv(raw)
        case "hummingbot":
            password = ask_passphrase(passphrase_file, "Hummingbot's password", new=False)
            old = raw.lstrip().startswith(b"{")
            found = (
                read_old_file(raw, _beside(wanted.file), password) if old else read_connector(raw, password)
            )
        case _:
            found = read_pem_file(raw)
    if isinstance(found, Refused):
        raise ConfigurationError(f"{wanted.file}: {found.reason}")
    # The same credential may stand in a file twice; its spans name every place then.
    return list({(one.api_key, one.spans): one for one in found}.values())


def _beside(file: Path) -> bytes | None:
    """Find the old hummingbot file of the API key beside the one of the secret."""
    other = file.with_name(file.name.replace("api_secret", "api_key"))
    return read_whole(other, FILE_BYTES_MAX) if other != file and other.exists() else None


def _blank(file: Path, raw: bytes, found: list[Found], wanted: bool | None, *, all_in: bool) -> bool:
    """Blank the file if that is wanted. Not asked for, it is offered; a vault that is sealed has not looked yet."""
    spans = [span for one in found for span in one.spans]
    if wanted is None:
        question = f"Blank the secret in {shlex.quote(str(file))}?"
        if not all_in:
            question += " The vault is sealed and has not taken it in yet"
        wanted = confirmed(question, default=all_in)
    if not wanted:
        warn(f"the secret still stands in {file}; blank it, and better still replace the key at the exchange")
        return False
    blank(file, raw, [(span.start, span.end) for span in spans], blanked(raw, spans))
    return True
