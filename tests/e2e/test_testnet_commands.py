"""`watchword testnet …` as a person types it: beside a running server and without one."""

import json
import os
import stat
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support import programs
from tests.support.floor import FloorTrader, RefusedError
from tests.support.key_pairs import new_key_pair
from tests.support.testnet_process import TestnetKey, TestnetProcess


class Said:
    """What a command said, and how it ended."""

    def __init__(self, done: Any) -> None:
        self.returncode = done.returncode
        self.stdout, self.stderr = done.stdout.decode(), done.stderr.decode()


class Commands:
    """Runs commands on one home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home.parent

    def run(self, *arguments: str) -> "Said":
        environment = {k: v for k, v in os.environ.items() if not k.startswith("WATCHWORD_TESTNET")}
        environment["WATCHWORD_TESTNET_LIQUIDITY"] = "false"
        words = ("testnet", *arguments, "--home", self.home)
        return Said(programs.command(*words, environment=environment, folder=self.folder))

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    return Commands(tmp_path_factory.mktemp("offline") / "home")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Commands, TestnetProcess]]:
    home = tmp_path_factory.mktemp("served") / "home"
    testnet = TestnetProcess.start(home, liquidity=False)
    yield Commands(home), testnet
    testnet.stop()


def test_accounts_and_keys_are_made_with_nothing_running_and_serve_afterwards(offline: Commands) -> None:
    account = offline.json("account", "create", "alice", "--deposit", "USDT=1000", "--deposit", "BTC=1")
    assert account["balances"]["USDT"]["free"] == "1000"
    hmac_key = offline.json("key", "create", "--account", "alice", "--type", "hmac", "--permission", "trade")
    assert len(hmac_key["api_key"]) == len(hmac_key["secret_key"]) == 64
    ed_key = offline.json("key", "create", "--account", "alice", "--type", "ed25519", "--label", "bot")
    pem = Path(ed_key["private_key_file"])
    assert stat.S_IMODE(pem.stat().st_mode) == 0o600
    assert pem.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert "secret_key" not in ed_key
    assert offline.json("deposit", "alice", "USDT=5")["balances"]["USDT"]["free"] == "1005"
    testnet = TestnetProcess.start(offline.home, liquidity=False)
    try:
        trader = FloorTrader(testnet, TestnetKey("HMAC", hmac_key["api_key"], hmac_key["secret_key"]))
        balances = {row["asset"]: row["free"] for row in trader.request("GET", "/api/v3/account")["balances"]}
        assert balances["USDT"] == "1005.00000000"
    finally:
        assert testnet.stop() == 0


def test_looking_at_a_home_that_is_not_there_makes_none(tmp_path: Path) -> None:
    commands = Commands(tmp_path / "nowhere")
    for arguments in (("status",), ("account", "list"), ("key", "list"), ("reset",)):
        done = commands.run(*arguments)
        assert done.returncode == 1
        assert "there is no testnet" in done.stderr
    assert not commands.home.exists()


def test_second_server_names_the_process_that_holds_the_home(served: tuple[Commands, TestnetProcess]) -> None:
    commands, testnet = served
    done = commands.run("serve", "--port", "0")
    assert done.returncode == 1
    assert f"held by process {testnet.pid} (watchword testnet serve)" in done.stderr


def test_changes_take_effect_at_once_on_a_running_server(served: tuple[Commands, TestnetProcess]) -> None:
    commands, testnet = served
    commands.json("account", "create", "carol", "--deposit", "USDT=10")
    made = commands.json("key", "create", "--account", "carol", "--type", "hmac")
    trader = FloorTrader(testnet, TestnetKey("HMAC", made["api_key"], made["secret_key"]))
    assert trader.request("GET", "/api/v3/account")["canTrade"] is not None
    with pytest.raises(RefusedError, match="-2015"):
        trader.limit("BUY", 1, 1)
    commands.json(
        "key", "edit", made["api_key"], "--permission", "reading", "--permission", "trade", "--ip", "10.0.0.1"
    )
    with pytest.raises(RefusedError, match="-2015"):
        trader.request("GET", "/api/v3/account")
    commands.json("key", "edit", made["api_key"], "--any-ip")
    trader.limit("BUY", 20_000, "0.0003")
    assert commands.json("key", "delete", made["api_key"])["deleted"] is True
    with pytest.raises(RefusedError, match="-2015"):
        trader.request("GET", "/api/v3/account")


def test_status_reset_verify_and_snapshot(served: tuple[Commands, TestnetProcess]) -> None:
    commands, testnet = served
    status = commands.json("status")
    assert (status["running"], status["pid"], status["rest"]) == (True, testnet.pid, testnet.rest)
    commands.json("reset")
    assert commands.json("verify")["verified"] is True
    assert commands.json("snapshot")["sequence"] >= 2
    assert commands.json("verify")["verified"] is True


def test_recording_plays_as_the_market(served: tuple[Commands, TestnetProcess]) -> None:
    commands, testnet = served
    recording = commands.folder / "ETHUSDT-trades-2024-01-01.csv"
    rows = (
        f"{n},{2300 + n % 7}.00,0.5,1150.0,{1704067200000 + n * 10},{n % 2 == 0},True\n"
        for n in range(1, 301)
    )
    recording.write_text("".join(rows))
    played = commands.json("replay", str(recording), "--speed", "max")
    assert played == {"symbol": "ETHUSDT", "imported": 300, "refused": 0}
    trader = FloorTrader(testnet, TestnetKey("HMAC", "x" * 64, "y"))
    assert trader.public("/api/v3/ticker/price", symbol="ETHUSDT")["price"] == f"{2300 + 300 % 7}.00000000"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("deposit", "alice", "USDT"), "ASSET=AMOUNT"),
        (("deposit", "nobody", "USDT=1"), "no account nobody"),
        (("key", "create", "--account", "nobody", "--type", "hmac"), "no account nobody"),
        (("key", "show", "unknownkey"), "no key begins with unknownkey"),
        (("replay", "missing.csv", "--symbol", "BTCUSDT", "--speed", "0"), "--speed"),
        (("replay", "missing.csv", "--symbol", "BTCUSDT"), "missing.csv"),
    ],
)
def test_refusal_is_one_line_and_status_1(
    served: tuple[Commands, TestnetProcess], arguments: tuple[str, ...], text: str
) -> None:
    done = served[0].run(*arguments)
    assert done.returncode == 1
    assert text in done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_refused_key_leaves_no_private_key_file(served: tuple[Commands, TestnetProcess]) -> None:
    commands, _ = served
    done = commands.run("key", "create", "--account", "nobody", "--type", "ed25519")
    assert done.returncode == 1
    assert list(commands.folder.glob("*.pem")) == []


def test_admin_socket_is_private(served: tuple[Commands, TestnetProcess]) -> None:
    socket = served[0].home / "testnet" / "admin.sock"
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("option", "named"),
    [("--ip", "nothing is written"), ("--symbol", "nothing is written"), ("--expires", "is empty")],
)
def test_restriction_left_empty_by_a_shell_makes_no_unrestricted_key(
    served: tuple[Commands, TestnetProcess], option: str, named: str
) -> None:
    commands, _ = served
    commands.run("account", "create", "shell")
    refused = commands.run("key", "create", "--account", "shell", "--type", "hmac", option, "")
    assert refused.returncode == 1
    assert named in refused.stderr
    assert commands.json("key", "list", "--account", "shell") == []


def server_ms(testnet: TestnetProcess) -> int:
    with urllib.request.urlopen(f"{testnet.rest}/api/v3/time", timeout=5) as reply:
        return int(json.load(reply)["serverTime"])


def test_clock_moves_a_running_server_and_survives_kill_nine(tmp_path: Path) -> None:
    commands = Commands(tmp_path / "home")
    testnet = TestnetProcess.start(commands.home, liquidity=False)
    try:
        commands.json("account", "create", "alice", "--deposit", "USDT=10")
        key = commands.json(
            "key", "create", "--account", "alice", "--type", "hmac", "--template", "tax-and-reports"
        )
        kept = commands.json("key", "create", "--account", "alice", "--type", "hmac", "--ip", "127.0.0.1")
        before_ms = server_ms(testnet)
        assert commands.json("clock")["moved_by"] == "0s"
        moved = commands.json("clock", "+30d")
        assert moved["moved_by"] == "30d"
        assert server_ms(testnet) - before_ms >= 30 * 86_400_000
        assert [one["api_key"] for one in commands.json("key", "list")] == [kept["api_key"]]
        assert [(one["kind"], one["api_key"]) for one in commands.json("key", "events")] == [
            ("deleted", key["api_key"])
        ]
        assert "was deleted" in commands.run("key", "events").stdout
        assert "was deleted" in commands.json("status")["last_key_event"]
        testnet.kill()
        testnet = TestnetProcess.start(commands.home, liquidity=False)
        assert server_ms(testnet) - before_ms >= 30 * 86_400_000
        assert [one["api_key"] for one in commands.json("key", "list")] == [kept["api_key"]]
    finally:
        testnet.stop()
    offline = commands.json("clock", "+1h")
    assert offline["moved_by"] == "30d 1h"
    assert commands.run("clock", "yesterday").returncode == 1
    assert commands.json("clock", "show")["moved_by"] == "30d 1h"


def test_panic_button_rules_and_templates_answer_in_json(served: tuple[Commands, TestnetProcess]) -> None:
    commands, _ = served
    commands.json("account", "create", "panic")
    made = {
        commands.json("key", "create", "--account", "panic", "--type", "hmac")["api_key"] for _ in range(2)
    }
    assert set(commands.json("key", "delete-all", "panic")["deleted"]) == made
    assert commands.json("key", "list", "--account", "panic") == []
    assert {one["rule"] for one in commands.json("key", "rules")} >= {"idle_days", "keys_per_account_max"}
    assert "idle_days" not in {one["rule"] for one in commands.json("key", "rules", "--as-of", "2022-12-21")}
    assert commands.json("key", "templates")[0]["template"] == "spot-trading"


def test_private_key_given_for_a_public_one_is_refused(served: tuple[Commands, TestnetProcess]) -> None:
    commands, testnet = served
    commands.run("account", "create", "shell")
    private, _ = new_key_pair("ED25519")
    file = commands.folder / "mistaken.key"
    file.write_text(private)
    refused = commands.run(
        "key", "create", "--account", "shell", "--type", "ed25519", "--public-key", str(file)
    )
    assert refused.returncode == 1
    assert "private key" in refused.stderr
    canary = private.splitlines()[1]
    assert canary not in refused.stdout + refused.stderr + testnet.log()
    for path in commands.home.rglob("*"):
        assert not path.is_file() or canary.encode() not in path.read_bytes()
