"""Where the gateway bench gets nginx and mitmproxy from: this machine, or a folder of this environment.

Nothing is installed outside that folder and nothing here needs root: nginx is unpacked from Debian's package, mitmproxy
gets an environment of its own. What cannot be had is said, never raised.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

#: Goes away with the environment (`make clean`).
FOLDER: Final = Path(sys.prefix) / "bench"
#: Debian puts servers where an ordinary user's PATH does not look.
SERVER_FOLDERS: Final = ("/usr/sbin", "/usr/local/sbin")
#: 11 is the last for Python 3.11.
MITMPROXY: Final = "mitmproxy>=11,<13"
FETCH_S_MAX: Final = 300
ASK_S_MAX: Final = 30


class Program(msgspec.Struct, frozen=True):
    """A program that runs here.

    Attributes:
        path: Where it lies.
        version: As it names itself.
    """

    path: Path
    version: str


class Missing(msgspec.Struct, frozen=True):
    """A program that cannot be had.

    Attributes:
        reason: What to do about it, or what went wrong.
    """

    reason: str


def find_nginx() -> Program | Missing:
    """Return the machine's nginx, or one unpacked from Debian's package."""
    unpacked = FOLDER / "nginx" / "usr" / "sbin" / "nginx"
    on_path = shutil.which("nginx")
    places = [Path(on_path)] if on_path else []
    places += [Path(folder) / "nginx" for folder in SERVER_FOLDERS]
    for place in (*places, unpacked):
        found = _ask(place, "-v")
        if isinstance(found, Program):
            return found
    failure = _unpack_nginx()
    return _ask(unpacked, "-v") if failure is None else failure


def find_mitmdump() -> Program | Missing:
    """Return mitmproxy's command without a screen, from an environment of its own."""
    place = FOLDER / "mitmproxy" / "bin" / "mitmdump"
    found = _ask(place, "--version")
    if isinstance(found, Program):
        return found
    own = Path(sys.prefix) / "bin" / "uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    if uv is None:
        return Missing("mitmproxy: uv is needed to install it")
    environment = str(FOLDER / "mitmproxy")
    for command in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment],
        [uv, "pip", "install", "--quiet", "--python", f"{environment}/bin/python", MITMPROXY],
    ):
        failure = _run("mitmproxy", command)
        if failure is not None:
            return failure
    return _ask(place, "--version")


def _unpack_nginx() -> Missing | None:
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        return Missing("nginx: install it; it is only fetched here on Debian and its relatives")
    folder = FOLDER / "nginx-package"
    state, cache = folder / "state", folder / "cache"
    for needed in (state / "lists" / "partial", cache / "archives" / "partial"):
        needed.mkdir(parents=True, exist_ok=True)
    # Package lists of its own: the machine's may be missing or old, and renewing those takes root.
    apt = [
        "apt-get",
        f"-oDir::State={state}",
        "-oDir::State::status=/var/lib/dpkg/status",
        f"-oDir::Cache={cache}",
    ]
    try:
        for arguments in (["update", "-qq"], ["download", "-qq", "nginx"]):
            failure = _run("nginx", [*apt, *arguments], folder)
            if failure is not None:
                return failure
        package = next(folder.glob("nginx_*.deb"), None)
        if package is None:
            return Missing("nginx: apt-get brought no package")
        return _run("nginx", ["dpkg-deb", "-x", str(package), str(FOLDER / "nginx")])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: str, command: list[str], folder: Path | None = None) -> Missing | None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=FETCH_S_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Missing(f"{program}: {error}")
    if done.returncode:
        return Missing(f"{program}: {Path(command[0]).name} failed: {done.stderr.strip()[-300:]}")
    return None


def _ask(path: Path, option: str) -> Program | Missing:
    """Ask a program for its version; one that lacks a library answers with an error."""
    try:
        answer = subprocess.run(
            [path, option], capture_output=True, text=True, timeout=ASK_S_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Missing(f"{path.name}: {error}")
    text = (answer.stdout + answer.stderr).strip()
    return Missing(f"{path.name}: {text[-300:]}") if answer.returncode else Program(path, text.split("\n")[0])
