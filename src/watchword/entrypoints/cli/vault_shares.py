"""Hands out recovery shares: on the terminal, or one file each. They are shown this once and kept nowhere."""

import base64
from pathlib import Path

from watchword.adapters.key_files import write_new
from watchword.entrypoints.cli.output import say, show_json
from watchword.kernel.errors import ConfigurationError


def deliver(encoded: list[str], threshold: int, out: Path | None, *, as_json: bool) -> None:
    """Show or write the shares.

    Args:
        encoded: As the vault's process sent them, base64.
        threshold: How many open.
        out: Folder for files; None shows them.
        as_json: Print JSON.

    Raises:
        ConfigurationError: A file exists or cannot be written.
    """
    texts = [base64.b64decode(one).decode("ascii") for one in encoded]
    files: list[tuple[Path, bytes]] = []
    if out is not None:
        try:
            out.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"cannot make {out}: {error.strerror}") from error
        files = [(out / f"share-{at}.txt", f"{text}\n".encode()) for at, text in enumerate(texts, start=1)]
        write_new(files)
    if as_json:
        show_json({"threshold": threshold, "files": [str(path) for path, _ in files]} if out else
            {"threshold": threshold, "shares": texts})  # fmt: skip
        return
    for line in [str(path) for path, _ in files] if out else texts:
        say(line)
    say(
        f"Any {threshold} of these {len(texts)} open the vault. Give them to different people; they are not shown again."
    )
