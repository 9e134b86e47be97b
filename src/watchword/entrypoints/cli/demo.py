"""`watchword demo …`: a testnet, a gateway before it, a console, demo keys and a small bot until Ctrl-C; and the whole story.

Starts Watchword's servers and the bot as processes of their own and looks after them. Never holds a real key.
"""

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from watchword.config import CONSOLE_PORT, GATEWAY_PORT, TESTNET_PORT, Settings, read_settings
from watchword.entrypoints.cli.admin_client import running
from watchword.entrypoints.cli.demo_show import show_places
from watchword.entrypoints.cli.output import refuse, say
from watchword.entrypoints.cli.testnet_options import HomeOption, faults_shown
from watchword.entrypoints.demo.console_beside import start_console
from watchword.entrypoints.demo.processes import POLL_S, Children, NotReadyError

if TYPE_CHECKING:
    from watchword.entrypoints.cli.demo_keys import Prepared

#: The vault's demo key: it lies beside the vault, so whoever has the home can open it.
KEK_FILE: Final = "demo-kek.key"
VAULT_S_MAX: Final = 60.0
TERMINATED: Final = 128 + signal.SIGTERM
BOT_MODULE: Final = "watchword.entrypoints.demo.bot"

app = typer.Typer(no_args_is_help=True, help="Something to see.")


@app.callback()
def group() -> None:
    """Something to see, in one command."""


@app.command()
def up(
    home: HomeOption = None,
    port: Annotated[int, typer.Option(help="Port of the testnet; 0 takes any free one.")] = TESTNET_PORT,
    gateway_port: Annotated[
        int, typer.Option(help="Port of the gateway; 0 takes any free one.")
    ] = GATEWAY_PORT,
    console_port: Annotated[
        int, typer.Option(help="Port of the console; 0 takes any free one.")
    ] = CONSOLE_PORT,
    bot: Annotated[bool, typer.Option("--bot/--no-bot", help="Run the small trading bot.")] = True,
    seconds: Annotated[float | None, typer.Option(help="Stop by itself after so long.", min=0.1)] = None,
) -> None:
    """Run a testnet with moving markets, a gateway before it, a console, virtual demo keys and a small bot."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    with faults_shown(as_json=False):
        settings = read_settings(home=home, port=port)
        _must_be_free(settings)
        ports = (gateway_port, console_port)
        raise typer.Exit(_run(settings, ports, bot=bot, seconds=seconds, stopping=stopping))


@app.command()
def story() -> None:
    """Tell the whole story, step by step, and end: a key is made, used, refused, rolled, revoked, and audited."""
    from watchword.entrypoints.demo.story import tell

    def stop(_signal: int, _frame: FrameType | None) -> NoReturn:
        # Unwinds, so that what was started is ended and the story's home removed.
        raise SystemExit(TERMINATED)

    def say_now(line: str) -> None:
        say(line)
        sys.stdout.flush()

    signal.signal(signal.SIGTERM, stop)
    raise typer.Exit(tell(say_now))


def _run(
    settings: Settings,
    ports: tuple[int, int],
    *,
    bot: bool,
    seconds: float | None,
    stopping: threading.Event,
) -> int:
    """Start the processes, wait for the end, stop them in reverse order.

    Args:
        settings: Of the testnet.
        ports: Of gateway and console.
        bot: Run the bot.
        seconds: Until it stops by itself.
        stopping: Set to stop it.

    Returns:
        The exit status: 0 after a clean stop.
    """
    from watchword.entrypoints.cli.demo_keys import prepare

    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    children = Children(settings.home, stopping)
    try:
        testnet = children.start_server("testnet", "testnet", "serve", "--port", str(settings.port))
        _make_vault(settings.home)
        testnet_at = children.addresses(testnet)
        if testnet_at is None:
            return 0
        gateway = children.start_server(
            "gateway", "gateway", "serve", "--upstream", "local", "--local-address", testnet_at["rest"],
            "--unseal", "--port", str(ports[0]),
        )  # fmt: skip
        beside = start_console(children, ports[1])
        gateway_at = children.addresses(gateway)
        if gateway_at is None:
            return 0
        prepared = prepare(settings)
        console_at = children.addresses(beside.server)
        if console_at is None:
            return 0
        _show(gateway_at, testnet_at, prepared, (console_at["origin"], beside.enrolment))
        if bot:
            children.start_module("bot", BOT_MODULE, gateway_at["rest"], str(prepared.folder / "bot.json"))
        return _watch(children, seconds)
    except NotReadyError as error:
        refuse(str(error))
    finally:
        if children.close():
            say("stopped")


def _must_be_free(settings: Settings) -> None:
    """Refuse a home in which something runs, or whose vault is somebody's own."""
    from watchword.adapters.gateway_home import read_run
    from watchword.entrypoints.cli.vault_client import held

    home = settings.home
    if running(settings):
        run = json.loads((home / "run.json").read_bytes())
        refuse(f"a testnet of {home} runs already (pid {run['pid']}) at {run['testnet']['rest']}")
    if held(home):
        run = read_run(home)
        where = f" (pid {run['pid']}) at {run['gateway']['rest']}" if run else ""
        refuse(f"a gateway or vault host of {home} runs already{where}")
    if _has_vault(home):
        from watchword.bootstrap.vault_view import header_of, store_of

        if not header_of(store_of(home))[1].demo:
            refuse(f"the vault in {home} is not a demo one and stays as it is; choose another --home")


def _has_vault(home: Path) -> bool:
    from watchword.adapters.vault_home import vault_path

    return vault_path(home).exists()


def _make_vault(home: Path) -> None:
    """Make the demo vault, unless there is one.

    Raises:
        NotReadyError: It could not be made.
    """
    from watchword.adapters.vault_home import vault_path

    if _has_vault(home):
        return
    key_file = vault_path(home).with_name(KEK_FILE)
    # Of a start that was cut short before it made the vault: it opens nothing.
    key_file.unlink(missing_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "watchword", "vault", "init", "--demo", "--kek", "key-file",
         "--key-file", str(key_file), "--home", str(home)],
        check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=VAULT_S_MAX, start_new_session=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise NotReadyError(f"the vault was not made:\n{done.stderr}")


def _show(
    gateway: dict[str, str], testnet: dict[str, str], prepared: "Prepared", console: tuple[str, str]
) -> None:
    if prepared.replaced:
        say(
            f"{prepared.replaced} real key{'s' * (prepared.replaced != 1)} that an earlier Watchword had left in"
            f" {prepared.folder} deleted at the testnet; virtual keys take their place."
        )
    show_places(gateway, testnet, prepared.folder, console)


def _watch(children: Children, seconds: float | None) -> int:
    """Wait for a signal, for the time to be up, or for a process that ends by itself (status 1)."""
    rounds = None if seconds is None else max(1, int(seconds / POLL_S))
    while not children.stopping.is_set() and rounds != 0:
        gone = children.ended()
        if gone is not None:
            say(f"the {gone.name} ended with status {gone.process.returncode}\n{gone.tail()}".rstrip())
            return 1
        children.stopping.wait(POLL_S)
        rounds = None if rounds is None else rounds - 1
    return 0
