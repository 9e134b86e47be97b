"""`watchword demo up`: a testnet with liquidity, demo keys and one small bot, until Ctrl-C.

Starts the testnet and the bot as processes of their own and looks after them. Never holds a key longer than it takes
to write its file.
"""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated, Final

import typer

from watchword.config import TESTNET_PORT, Settings, read_settings
from watchword.entrypoints.cli.admin_client import running
from watchword.entrypoints.cli.demo_keys import prepare
from watchword.entrypoints.cli.output import refuse, say, show_table
from watchword.entrypoints.cli.testnet_options import HomeOption, faults_shown

READY_S_MAX: Final = 60.0
READY_POLL_S: Final = 0.1
STOP_S_MAX: Final = 15.0
LOG_TAIL_LINES: Final = 15

app = typer.Typer(no_args_is_help=True, help="Something to see.")


@app.callback()
def group() -> None:
    """Something to see, in one command."""


@app.command()
def up(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(help="Port of the testnet; 0 takes any free one.")] = TESTNET_PORT,
    bot: Annotated[bool, typer.Option("--bot/--no-bot", help="Run the small trading bot.")] = True,
    seconds: Annotated[float | None, typer.Option(help="Stop by itself after so long.", min=0.1)] = None,
) -> None:
    """Run a testnet with moving markets, demo keys of each type and a small bot."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    with faults_shown(as_json=False):
        settings = read_settings(home=home, port=port)
        if running(settings):
            run = json.loads((settings.home / "run.json").read_bytes())
            refuse(
                f"a testnet of {settings.home} runs already (pid {run['pid']}) at {run['testnet']['rest']}"
            )
        raise typer.Exit(_run(settings, bot=bot, seconds=seconds, stopping=stopping))


@app.command()
def story() -> None:
    """Tell the whole story, step by step, and end: a key is made, used, refused, rolled, revoked, and audited."""
    from watchword.entrypoints.demo.story import tell

    raise typer.Exit(tell(say))


def _run(settings: Settings, *, bot: bool, seconds: float | None, stopping: threading.Event) -> int:
    """Start the processes, wait for the end, stop them in reverse order.

    Returns:
        The exit status: 0 after a clean stop.
    """
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = settings.home / "testnet.log"
    children: list[subprocess.Popen[bytes]] = []
    try:
        with log.open("wb") as sink:
            children.append(
                subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "watchword",
                        "testnet",
                        "serve",
                        "--home",
                        str(settings.home),
                        "--port",
                        str(settings.port),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=sink,
                    start_new_session=True,
                )
            )
        addresses = _wait_until_ready(settings.home / "run.json", children[0], stopping)
        if addresses is None:
            if stopping.is_set():
                return 0
            tail = log.read_text("utf-8", "replace").splitlines()[-LOG_TAIL_LINES:]
            refuse("the testnet did not start:\n  " + "\n  ".join(tail))
        folder = prepare(settings)
        _show(addresses, folder)
        if bot:
            children.append(_start_bot(addresses["rest"], folder / "bot.json"))
        return _watch(children, seconds, stopping)
    finally:
        for child in reversed(children):
            _end(child)
        if children:
            say("stopped")


def _wait_until_ready(
    run_file: Path, server: "subprocess.Popen[bytes]", stopping: threading.Event
) -> dict[str, str] | None:
    """Return the addresses once this server wrote them, or None where it ended or we were told to stop."""
    for _ in range(int(READY_S_MAX / READY_POLL_S)):
        if server.poll() is not None or stopping.is_set():
            return None
        try:
            run = json.loads(run_file.read_bytes())
        except (FileNotFoundError, ValueError):
            run = {}
        if run.get("pid") == server.pid:
            addresses: dict[str, str] = run["testnet"]
            return addresses
        stopping.wait(READY_POLL_S)
    return None


def _start_bot(rest: str, key_file: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "watchword.entrypoints.demo.bot", rest, str(key_file)],
        stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def _watch(
    children: "list[subprocess.Popen[bytes]]", seconds: float | None, stopping: threading.Event
) -> int:
    """Wait for a signal, for the time to be up, or for a process that ends by itself (status 1)."""
    rounds = None if seconds is None else max(1, int(seconds / READY_POLL_S))
    while not stopping.is_set() and rounds != 0:
        for child in children:
            if child.poll() is not None:
                say(
                    f"{'the testnet' if child is children[0] else 'the bot'} ended with status {child.returncode}"
                )
                return 1
        stopping.wait(READY_POLL_S)
        rounds = None if rounds is None else rounds - 1
    return 0


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Ask a process to stop, and insist after a while."""
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _show(addresses: dict[str, str], folder: Path) -> None:
    """Print where everything is, and three lines that work when pasted."""
    python = Path(sys.executable)
    watchword = python.with_name("watchword")
    show_table(
        "\nThe Watchword testnet is up.",
        ("what", "where"),
        (
            ("REST", addresses["rest"] + "/api"),
            ("streams", addresses["streams"] + "/ws  …/stream"),
            ("WebSocket API", addresses["ws_api"]),
            ("HMAC key", folder / "hmac.json"),
            ("RSA key", f"{folder / 'rsa.json'}  private key: {folder / 'rsa.pem'}"),
            ("Ed25519 key", f"{folder / 'ed25519.json'}  private key: {folder / 'ed25519.pem'}"),
        ),
    )
    rest, ed25519, hmac = addresses["rest"], folder / "ed25519", folder / "hmac.json"
    sys.stdout.write(f"""
Paste one of these into another terminal.

curl, signed with Ed25519:
  Q="omitZeroBalances=true&timestamp=$(date +%s000)"; curl -s -H "X-MBX-APIKEY: $({python} -c 'import json;print(json.load(open("{ed25519}.json"))["api_key"])')" "{rest}/api/v3/account?$Q&signature=$({watchword} sign --key {ed25519}.pem --payload "$Q" --urlencoded)"

ccxt:
  {python} -c 'import ccxt,json; k=json.load(open("{hmac}")); e=ccxt.binance({{"apiKey":k["api_key"],"secret":k["secret_key"]}}); e.urls["api"].update(public="{rest}/api/v3",private="{rest}/api/v3",sapi="{rest}/sapi/v1",fapiPublic="{rest}/fapi/v1",dapiPublic="{rest}/dapi/v1"); print(e.create_order("BTC/USDT","market","buy",0.001)["info"])'

python-binance:
  {python} -c 'import json; from binance.base_client import BaseClient; from binance.client import Client; BaseClient.API_URL="{rest}/api"; k=json.load(open("{hmac}")); print(Client(k["api_key"],k["secret_key"]).get_asset_balance("BTC"))'

Ctrl-C stops everything. The bot's doings:
""")
    sys.stdout.flush()
