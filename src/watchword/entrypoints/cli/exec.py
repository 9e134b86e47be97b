"""`watchword exec`: runs a command with a virtual key of its own, under the names bots read; the key ends with it.

The key lives on a lease: renewed while the command runs, revoked at its end, over by itself an hour after this process
was killed. Never writes a secret anywhere but into the child's environment, or a file of a folder that goes away.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from watchword.entrypoints.cli.vault_client import HomeOption, faults_shown
from watchword.entrypoints.cli.virtual_keys_pair import TYPES, KindOption, Wanted
from watchword.kernel.errors import ConfigurationError, WatchwordError

LEASE_US: Final = 3_600_000_000
RENEW_S: Final = 1_200.0
RETRY_S: Final = 60.0
TAG_LENGTH: Final = 6
NAME_LENGTH_MAX: Final = 32
ROLE: Final = "watchword exec"
KEY_FILE: Final = "key.pem"


def execute(
    command: Annotated[
        list[str], typer.Argument(metavar="-- COMMAND...", help="What to run.", show_default=False)
    ],
    key: Annotated[
        str, typer.Option("--key", help="Virtual key to narrow: the command gets a child of it.")
    ] = "",
    credential: Annotated[
        str, typer.Option(help="Real credential that signs, where there is no --key.")
    ] = "",
    policy: Annotated[
        Path | None, typer.Option("--policy", help="Policy file; without it, that of --key.")
    ] = None,
    kind: Annotated[
        KindOption,
        typer.Option("--type", help="hmac is what every bot knows; the others come as a key file."),
    ] = KindOption.HMAC,
    ip: Annotated[list[str] | None, typer.Option("--ip", help="Address or range it works from.")] = None,
    base_url: Annotated[
        str, typer.Option(help="Where the gateway is for the command.", show_default="as the gateway says")
    ] = "",
    home: HomeOption = None,
) -> None:
    """Run a command with a virtual key made for this run only, and the gateway's address.

    Both come under the names bots read: BINANCE_API_KEY, BINANCE_API_SECRET,
    BINANCE_BASE_URL, FREQTRADE__EXCHANGE__KEY and others. Watchword's own
    variables are taken away. Where the output is not a terminal, the key is
    masked in it. The key is revoked when the command ends.

    Example: watchword exec --key grid-bot -- freqtrade trade --config config.json
    """
    from watchword.config import child_environment, home_folder
    from watchword.entrypoints.cli.child import run
    from watchword.entrypoints.cli.exec_names import ALL_NAMES, common_names, names_for

    with faults_shown(as_json=False):
        if not key and (not credential or policy is None):
            raise ConfigurationError("give --key, or --credential and --policy")
        folder = home_folder(home)
        doors = _doors(folder, base_url)
        with contextlib.ExitStack() as stack:
            lease = stack.enter_context(_leased(folder, command[0], key, credential, policy, kind, ip))
            bot = stack.enter_context(_bot_key(lease))
            environment = child_environment(ALL_NAMES, names_for(bot, doors), common_names(bot, doors))
            status = run(command, environment, (bot.api_key, bot.secret), lease.tend)
    raise typer.Exit(status)


class Lease:
    """A key for one run.

    Attributes:
        api_key: The virtual key.
        secret: Its HMAC secret, or its private key as PEM.
        kind: Which of both.
    """

    def __init__(
        self, home: Path, answer: dict[str, Any], bot: dict[str, Any], kind: KindOption, latest: str
    ) -> None:
        """Hold what was issued; `latest` is the moment it may not outlive, or empty."""
        self.api_key = str(answer["api_key"])
        self.secret = str(bot.get("secret_key") or bot.get("private_key"))
        self.kind = kind
        self._home = home
        self._id = str(answer["key"]["id"])
        self._latest = latest
        self._first = True

    def tend(self) -> float:
        """Renew; say when to come back. A gateway that does not answer is asked again."""
        from watchword.entrypoints.cli.virtual_keys_client import running_gateway
        from watchword.entrypoints.gateway.admin.requests import EditKey

        if self._first:
            self._first = False
            return RENEW_S
        try:
            with running_gateway(self._home) as ask:
                ask(EditKey(key=self._id, expires=_lease_end(self._latest)))
        except WatchwordError:
            return RETRY_S
        return RENEW_S

    def end(self) -> None:
        """Revoke it. Where that fails the lease ends it."""
        from watchword.entrypoints.cli.key_terminal import warn
        from watchword.entrypoints.cli.virtual_keys_client import administration
        from watchword.entrypoints.gateway.admin.requests import RevokeKey

        try:
            with administration(self._home, ROLE) as ask:
                ask(RevokeKey(self._id))
        except WatchwordError as error:
            warn(
                f"the key of this run ({self._id}) was not revoked, and works until its lease is over: {error}"
            )


@contextlib.contextmanager
def _leased(
    home: Path,
    program: str,
    key: str,
    credential: str,
    policy: Path | None,
    kind: KindOption,
    ip: list[str] | None,
) -> Iterator[Lease]:
    """Have a key issued for this run; revoke it at the end, however that comes."""
    from watchword.adapters.system import SystemEntropy
    from watchword.entrypoints.cli.virtual_keys import issued, read_policy_file
    from watchword.entrypoints.cli.virtual_keys_client import running_gateway
    from watchword.entrypoints.gateway.admin.requests import IssueKey, ShowKey
    from watchword.kernel.entropy import alphanumeric

    label = f"exec {Path(program).name[:NAME_LENGTH_MAX]} {alphanumeric(SystemEntropy(), TAG_LENGTH)}"
    with running_gateway(home) as ask:
        latest = str(ask(ShowKey(key))["effective_expires"] or "") if key else ""
        request = IssueKey(
            label=label,
            key_type=TYPES[kind],
            credential=credential,
            policy=read_policy_file(policy) or "",
            ips=ip or None,
            expires=_lease_end(latest),
            parent=key,
        )
        wanted = Wanted(kind, label, on_screen=kind is not KindOption.HMAC)
        answer, bot = issued(ask, request, wanted)
    lease = Lease(home, answer, bot, kind, latest)
    try:
        yield lease
    finally:
        lease.end()


@contextlib.contextmanager
def _bot_key(lease: Lease) -> Iterator[Any]:
    """What the bot signs with; a private key also lies in a file, for as long as this is entered."""
    from watchword.adapters.key_files import write_new
    from watchword.entrypoints.cli.exec_names import BotKey

    if lease.kind is KindOption.HMAC:
        yield BotKey(lease.api_key, lease.secret)
        return
    with tempfile.TemporaryDirectory(prefix="watchword-exec-") as folder:
        path = Path(folder) / KEY_FILE
        write_new([(path, lease.secret.encode("ascii"))])
        yield BotKey(lease.api_key, lease.secret, str(path))


def _doors(home: Path, base_url: str) -> Any:
    """Find the gateway's doors."""
    from watchword.adapters.gateway_home import read_run
    from watchword.entrypoints.cli.exec_names import Doors, doors_at
    from watchword.entrypoints.cli.virtual_keys_client import NoGatewayError

    if base_url:
        return doors_at(base_url)
    try:
        said = read_run(home)["gateway"]
        return Doors(str(said["rest"]), str(said["ws_api"]), str(said["streams"]))
    except (KeyError, TypeError) as error:
        raise NoGatewayError(home) from error


def _lease_end(latest: str) -> str:
    """The end of a lease that begins now; not after `latest`. Both are ISO 8601 in UTC, so texts compare as moments."""
    from watchword.adapters.system import SystemClock
    from watchword.entrypoints.testnet.admin.expiry import write_expiry

    end = write_expiry(SystemClock().now_us() + LEASE_US) or ""
    return min(end, latest) if latest else end
