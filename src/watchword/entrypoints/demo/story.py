"""The whole story in under a minute: `watchword demo story`. Every step is a command or a client a person could run.

Starts a testnet and a gateway as processes of their own, in a home of its own, and removes both. Any step that does
not end as told ends the story with status 1. Never holds a real secret: it was made inside the vault.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from watchword.adapters.system import monotonic_ns
from watchword.entrypoints.demo import story_clients as clients
from watchword.entrypoints.demo.processes import Child, Children, NotReadyError

COMMAND_S_MAX: Final = 60.0
#: Where the byte is flipped in the copy of the trail: inside a row, away from its first one.
TAMPERED_ROW: Final = 5
#: How many rows of the trail are shown, and how much of each.
ROWS_SHOWN: Final = 2
ROW_LENGTH_MAX: Final = 150

POLICY: Final = """\
version: 1
name: story-bot
permissions: [read, trade]
symbols: [BTCUSDT, THINUSDT]
sides: [BUY, SELL]
order_types: [LIMIT, MARKET]
reference: {max_age: 30s}
price_band: {worse: 1%}
max_order: {USDT: 500}
max_day: {USDT: 5000}
"""


class StoryError(Exception):
    """A step did not end as told; the text says how."""


class Story:
    """One telling.

    Attributes:
        home: Folder of everything; gone afterwards.
        keys: Virtual keys issued, by label: what the client needs.
        children: The servers.
        gateway: One of them; None until it was started.
    """

    def __init__(self, home: Path, say: Callable[[str], None]) -> None:
        """Prepare.

        Args:
            home: An empty folder.
            say: Takes the transcript, line by line.
        """
        self.home = home
        self.say = say
        self.keys: dict[str, Any] = {}
        self.children = Children(home)
        self.gateway: Child | None = None

    def tell(self) -> None:
        """Tell it all.

        Raises:
            StoryError: A step did not end as told.
        """
        for number, step in enumerate(STEPS, 1):
            title, _, more = (step.__doc__ or "").strip().partition("\n")
            self.say(f"\n{number}. {title}{more.strip()}")
            try:
                step(self)
            except Exception as error:
                # Whatever goes wrong, a client's refusal or a fault of ours: the story is not as told.
                told = isinstance(error, StoryError | NotReadyError)
                raise StoryError(f"step {number}: {error if told else repr(error)}") from error

    def run(self, *words: str, stdin: str = "", fails: bool = False) -> str:
        """Run a command of the command line as a person would, and show it.

        Args:
            words: After `watchword`; the home is added.
            stdin: What it reads.
            fails: Whether it must end with status 1.

        Returns:
            What it printed.
        """
        self._show(words)
        done = subprocess.run(
            [sys.executable, "-m", "watchword", *words, "--home", str(self.home)],
            check=False, input=stdin, capture_output=True, text=True, timeout=COMMAND_S_MAX,
        )  # fmt: skip
        if (done.returncode != 0) != fails:
            raise StoryError(f"{shlex.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout + (done.stderr if fails else "")

    def ask(self, *words: str, stdin: str = "") -> Any:
        """Run a command with `--json` and return what it said."""
        return json.loads(self.run(*words, "--json", stdin=stdin))

    def start(self, role: str, *words: str) -> Child:
        """Start a server, and show it.

        Args:
            role: `testnet` or `gateway`.
            words: After `watchword`.
        """
        self._show(words, " &")
        return self.children.start_server(role, *words)

    def ready(self, server: Child) -> dict[str, str]:
        """Wait until a server listens; return its addresses."""
        found = self.children.addresses(server)
        if found is None:
            raise StoryError(f"nobody waits for the {server.name} any more")
        return found

    def _show(self, words: tuple[str, ...], more: str = "") -> None:
        """Show a command as it would be typed in the home's folder."""
        shown = shlex.join(word.replace(f"{self.home}/", "") for word in words if word != "--json")
        self.say(f"   $ watchword {shown}{more}")


@contextmanager
def telling(say: Callable[[str], None]) -> Iterator[Story]:
    """Give a story a home, and clear away afterwards."""
    with tempfile.TemporaryDirectory(prefix="watchword-story-") as folder:
        story = Story(Path(folder) / "home", say)
        story.home.mkdir(mode=0o700)
        try:
            yield story
        finally:
            story.children.close()


def tell(say: Callable[[str], None]) -> int:
    """Tell the story.

    Args:
        say: Takes the transcript, line by line.

    Returns:
        The exit status: 0 where every step ended as told.
    """
    begun_ns = monotonic_ns()
    try:
        with telling(say) as story:
            story.tell()
    except StoryError as error:
        say(f"\nNOT as told: {error}")
        return 1
    say(f"\nAll {len(STEPS)} steps ended as told, in {(monotonic_ns() - begun_ns) / 1e9:.0f} s.")
    return 0


# -- the steps, in order ------------------------------------------------------------------------------------------


def an_exchange(story: Story) -> None:
    """An exchange of our own, with moving markets and somebody's money on it."""
    testnet = story.start("testnet", "testnet", "serve", "--port", "0")
    # Takes a second, while the exchange starts.
    threading.Thread(target=clients.load_client, daemon=True).start()
    story.ready(testnet)
    story.run("testnet", "account", "create", "alice", "--deposit", "USDT=10000", "--deposit", "BTC=1")


def a_vault(story: Story) -> None:
    """A vault, and the gateway that holds it. It starts sealed."""
    story.run("vault", "init", "--passphrase-file", "-", stdin=_PASSPHRASE + "\n")
    story.gateway = story.start("gateway", "gateway", "serve", "--upstream", "local", "--port", "0")
    story.keys["rest"] = story.ready(story.gateway)["rest"]
    story.say(f"   the gateway listens at {story.keys['rest']}")
    status = story.ask("vault", "status")
    _expect(status["sealed"] is True, "the vault starts sealed")
    story.say("   sealed")
    unsealed = story.run("vault", "unseal", "--passphrase-file", "-", stdin=_PASSPHRASE + "\n")
    story.say(f"   {unsealed.strip()}")


def a_real_key(story: Story) -> None:
    """A real key: the pair is made inside the vault, only its public half leaves."""
    made = story.ask(
        "credential", "create", "--generate", "ed25519", "--upstream", "local", "--label", "alice-main",
        "--permission", "trading",
    )  # fmt: skip
    public = story.home / "alice-main.pub"
    public.write_text(made["public_key"], encoding="utf-8")
    given = story.ask(
        "testnet", "key", "create", "--account", "alice", "--type", "ed25519", "--public-key", str(public),
        "--permission", "trade", "--ip", "127.0.0.1",
    )  # fmt: skip
    story.run("credential", "register", "alice-main", given["api_key"])
    checked = story.ask("credential", "check", "alice-main")
    _expect(checked["ip_restricted"] is True, f"the exchange confirms the restriction: {checked}")
    story.say("   the exchange confirms: it works from this address only")
    story.keys["real_api_key"] = given["api_key"]


def a_virtual_key(story: Story) -> None:
    """A virtual key for a bot, with a policy. It works here and nowhere else."""
    policy = story.home / "story-bot.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    story.keys["bot"] = story.ask(
        "key", "issue", "--credential", "alice-main", "--policy", str(policy), "--type", "hmac",
        "--label", "bot",
    )  # fmt: skip
    story.say(f"   the bot gets {story.keys['bot']['api_key'][:12]}… and a secret, shown once")


def it_trades(story: Story) -> None:
    """python-binance, unmodified, trades with it: HMAC in, Ed25519 out."""
    done = clients.buy(story.keys["rest"], story.keys["bot"], "BTCUSDT", "0.001")
    _expect(done["status"] == "FILLED", f"bought: {done['status']}")
    story.say(
        f"   at {story.keys['rest']}/api: {done['side']} {done['executedQty']} {done['symbol']} {done['status']}"
    )


def a_drain_dies(story: Story) -> None:
    """A thief with the bot's key tries to drain the account through a thin pair, far from the market."""
    refused = clients.drain(story.keys["rest"], story.keys["bot"])
    _expect(refused[0] == -2010 and "price_band" in refused[1], f"refused by policy: {refused}")
    story.say(f"   {refused[0]} {refused[1]}")


def sealed_means_sealed(story: Story) -> None:
    """Sealed, nothing is signed; unsealed, it goes on."""
    story.run("vault", "seal")
    refused = clients.refusal(story.keys["rest"], story.keys["bot"])
    _expect(refused[0] == -1008, f"refused while sealed: {refused}")
    story.say(f"   {refused[0]} {refused[1]}")
    story.run("vault", "unseal", "--passphrase-file", "-", stdin=_PASSPHRASE + "\n")
    free = clients.balance(story.keys["rest"], story.keys["bot"], "BTC")
    story.say(f"   the bot sees its {free} BTC again")


def rolled_under_load(story: Story) -> None:
    """The bot's key is rolled while it trades; the old one lives an hour longer. No request fails."""
    with clients.Load(story.keys["rest"], story.keys["bot"]) as load:
        load.wait_for(12)
        rolled = story.ask("key", "roll", "bot", "--overlap", "1h")
        load.wait_for(12)
        load.use(rolled)
        load.wait_for(12)
    _expect(load.failures == [], f"no request fails: {load.failures[:1]}")
    story.say(f"   {load.done} requests, none failed")
    story.keys["bot"] = rolled


def revoked(story: Story) -> None:
    """The key is revoked, and the next request fails."""
    story.run("key", "revoke", "bot")
    refused = clients.refusal(story.keys["rest"], story.keys["bot"])
    _expect(refused[0] == -2015, f"refused once revoked: {refused}")
    story.say(f"   {refused[0]} {refused[1]}")


def the_trail_holds(story: Story) -> None:
    """The audit trail says who signed what, and proves that it says so still."""
    if story.gateway is None or (status := story.children.end(story.gateway)) != 0:
        raise StoryError(f"the gateway ended with status {status if story.gateway else 'none'}")
    story.say("   (the gateway is stopped first)")
    proven = story.ask("audit", "verify")
    story.say(f"   {proven['rows']} rows, unbroken")
    rows = story.run("audit", "tail", "--endpoint", "POST /api/v3/order", "--lines", str(ROWS_SHOWN))
    for line in rows.splitlines():
        story.say(f"   {line if len(line) <= ROW_LENGTH_MAX else line[:ROW_LENGTH_MAX] + '…'}")


def tampering_shows(story: Story) -> None:
    """Somebody changes one byte of it."""
    path = story.home / "audit" / "audit.db"
    copy = story.home / "tampered.db"
    clients.flip_one_byte(path, copy, TAMPERED_ROW)
    said = story.run("audit", "verify", "--file", str(copy), fails=True)
    _expect(f"row {TAMPERED_ROW}" in said, f"the row is named: {said}")
    for line in said.splitlines():
        if f"row {TAMPERED_ROW}" in line:
            story.say(f"   {line.strip()}")


STEPS: Final[tuple[Callable[[Story], None], ...]] = (
    an_exchange,
    a_vault,
    a_real_key,
    a_virtual_key,
    it_trades,
    a_drain_dies,
    sealed_means_sealed,
    rolled_under_load,
    revoked,
    the_trail_holds,
    tampering_shows,
)
#: Protects nothing but this story, whose home is removed; drawn anew for each.
_PASSPHRASE: Final = os.urandom(16).hex()


def _expect(holds: bool, told: str) -> None:
    if not holds:
        raise StoryError(told)
