"""A real terminal: the passphrase is asked for twice and never shown; argv and the folder hold nothing of it."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

PASSPHRASE = b"seven purple giraffes"
SECONDS_MAX = 30


def test_keygen_asks_at_the_terminal_and_shows_nothing_typed(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WATCHWORD_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "watchword", "keygen", "ed25519", "--out", "bot"],
        cwd=tmp_path, env=environment, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    try:
        shown = _answer(master, [b"private key: ", b"confirmation: "])
        assert process.wait(SECONDS_MAX) == 0, shown
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert PASSPHRASE not in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bot.pem", "bot.pub.pem"]
    assert (tmp_path / "bot.pem").read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")


def _answer(master: int, prompts: list[bytes]) -> bytes:
    """Type the passphrase at each prompt and return everything the terminal showed.

    The blank after the colon comes once the echo is off; what is typed before that would be thrown away.
    """
    shown, waiting, deadline = b"", list(prompts), time.monotonic() + SECONDS_MAX
    at = 0
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.5)[0]:
            continue
        try:
            piece = os.read(master, 4096)
        except OSError:  # Linux says EIO when the other end is closed
            break
        if not piece:
            break
        shown += piece
        if waiting and waiting[0] in shown[at:].lower():
            at = len(shown)
            waiting.pop(0)
            os.write(master, PASSPHRASE + b"\n")
    return shown
