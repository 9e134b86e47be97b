"""The console beside the demo: its first owner invited, the console started. Never knows a password, never signs in."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from watchword.entrypoints.demo.processes import Child, Children, NotReadyError

OWNER: Final = "owner"
#: Nobody's, and no mail is sent by the demo.
OWNER_MAIL: Final = "owner@example.org"
COMMAND_S_MAX: Final = 60.0


class Beside(msgspec.Struct, frozen=True):
    """A console that is starting.

    Attributes:
        server: Its process.
        enrolment: Token the first owner sets a password with; empty where there is an owner already.
    """

    server: Child
    enrolment: str

    def __repr__(self) -> str:
        return f"Beside({self.server!r})"


def start_console(children: Children, port: int) -> Beside:
    """Invite the first owner where there is none yet, and start the console.

    Args:
        children: Of the demo's home.
        port: Of the console; 0 takes any free one.

    Raises:
        NotReadyError: The owner could not be invited.
    """
    enrolment = _invited(children.home)
    return Beside(children.start_server("console", "console", "serve", "--port", str(port)), enrolment)


def _invited(home: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "watchword", "console", "init", "--name", OWNER, "--mail", OWNER_MAIL, "--json",
         "--home", str(home)],
        check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_S_MAX,
        start_new_session=True,
    )  # fmt: skip
    try:
        told = json.loads(done.stdout)
    except ValueError:
        told = {}
    if done.returncode == 0 and "enrolment" in told:
        return str(told["enrolment"])
    # Refused because somebody has enrolled already: then there is nobody to invite.
    if "error" in told:
        return ""
    raise NotReadyError(f"the console's first owner was not invited:\n{done.stderr}")
