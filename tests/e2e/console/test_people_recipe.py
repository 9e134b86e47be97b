"""The recipe of people as its reader follows it, at a terminal: every command of docs/recipes/people.md is run, in its order."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyotp
import pytest
from tests.support.console_process import COMMAND_WAIT_S, PASSWORD, Member
from tests.support.managed_home import ManagedHome
from tests.support.programs import PROGRAM
from tests.support.terminal import typed

ROOT: Final = Path(__file__).resolve().parents[3]
RECIPE: Final = (ROOT / "docs" / "recipes" / "people.md").read_text(encoding="utf-8")
LINES: Final = re.findall(r"^\$ (watchword .*)$", RECIPE, re.MULTILINE)
#: Some forty commands, each a process.
#: Forty commands, each a process: with the long tests.
pytestmark = [pytest.mark.timeout(300), pytest.mark.long]
#: Run by the set-up, with the same words.
BEGUN: Final = ["watchword console init --name olga --mail olga@example.org", "watchword console serve"]
POLICY: Final = """\
version: 1
name: asks
permissions: [read, trade]
symbols: any
sides: any
order_types: any
require_approval:
  - {name: large orders, notional_above: {USDT: 200}, mode: refuse, approvers: [olga], time_limit: 10m}
"""


class Reader:
    """Somebody at a terminal, with an authenticator app and paper for recovery codes."""

    def __init__(self, desk: ManagedHome, folder: Path) -> None:
        self.desk, self.folder = desk, folder
        self.app = Member(desk.console, "olga")
        self.codes: list[str] = []
        self.ids: dict[str, list[str]] = {}
        self.words: list[str] = []
        self.environment = {
            **os.environ,
            "WATCHWORD_HOME": str(desk.home),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }

    def owner(self) -> Member:
        """The session of the commands, for what the recipe does not do."""
        kept = json.loads((self.desk.home / "console" / "cli-session.json").read_bytes())
        self.app.token = kept["token"]
        return self.app

    def type(self, line: str) -> str:
        """Type a line of the recipe, with real ids in place of `ap-…`."""
        for prefix, found in self.ids.items():
            line = line.replace(f"{prefix}…", found[0])
        words = shlex.split(line)[1:]
        self.words += words
        answers = self._answers(words)
        if answers:
            shown = typed([*words, "--home", str(self.desk.home)], answers, self.folder)
            assert shown.status == 0, shown.text
            return shown.text
        done = subprocess.run(
            ["bash", "-c", f"exec {line}"], cwd=self.folder, env=self.environment, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=COMMAND_WAIT_S,
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stdout)
        return done.stdout

    def _answers(self, words: list[str]) -> list[tuple[str, Any]]:
        """Questions end in a blank once the terminal no longer echoes."""
        password = PASSWORD.encode()
        if words[0] == "enrol":
            return [
                ("enrolment token: ", self.desk.enrolment.encode()),
                ("new password: ", password),
                ("repeat for confirmation: ", password),
                ("first code of the app: ", self._first_code),
            ]
        if words[:1] == ["login"]:
            return [("password: ", password), ("recovery code: ", self.codes[0].encode())]
        if words == ["step-up"]:
            return [("authenticator app: ", self.app.code().encode())]
        return []

    def _first_code(self, screen: bytes) -> bytes:
        uri = re.search(rb"otpauth://\S+", screen)
        assert uri is not None, screen
        self.app.seed = pyotp.parse_uri(uri[0].decode()).secret
        return self.app.code().encode()


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("people")
    desk = ManagedHome(folder)
    try:
        yield Reader(desk, folder)
    finally:
        desk.stop()


def test_every_command_of_the_recipe_does_what_it_says(reader: Reader) -> None:
    assert LINES[:2] == BEGUN
    said: dict[str, str] = {}
    for line in LINES[2:]:
        _prepare(reader, line)
        said[line] = reader.type(line)
        if "recovery-codes" in line:
            reader.codes = said[line].split()
        if "token make" in line:
            token = re.search(r"wwt_\S+", said[line])
            assert token is not None
            (reader.folder / "ci.token").write_text(token[0], encoding="utf-8")
            reader.ids["t-"] = [one["id"] for one in reader.owner().call("GET", "/self/tokens").json["items"]]
    assert len(reader.codes) == 10
    assert "owner" in said["watchword whoami"]
    assert "wwe_" in said["watchword person invite tom --mail tom@example.org --role trader"]
    assert "30000" in said["watchword approval show ap-…"]
    assert reader.ids["vk-"][0] in said["watchword person show tom"]
    assert "confirmed" in said["watchword approval confirm ap-…"]
    assert "refused" in said["watchword approval refuse ap-…"]
    assert "tom" not in [one["name"] for one in reader.owner().call("GET", "/people").json["items"]]
    secrets = {PASSWORD, reader.desk.enrolment, reader.app.seed, *reader.codes}
    assert not secrets & set(reader.words)
    assert PASSWORD not in "".join(said.values())


def _prepare(reader: Reader, line: str) -> None:
    """Let be there what a line is about."""
    if "assign tom" in line and "vk-" not in reader.ids:
        _bring_a_bot(reader)
    if "ownAccount" in line:
        people = reader.owner().call("GET", "/people").json["items"]
        tom = next(one["id"] for one in people if one["name"] == "tom")
        (reader.folder / "owner.json").write_text(json.dumps({"person": tom}), encoding="utf-8")
    if line == "watchword approval list" or "approval refuse" in line:
        quantity = "0.01" if line.endswith("list") else "0.02"
        reader.bot.place(quantity=quantity)  # type: ignore[attr-defined]
        waiting = reader.owner().call("GET", "/approvals").json["items"]
        reader.ids["ap-"] = [one["id"] for one in waiting if one["parameters"]["quantity"] == quantity]


def _bring_a_bot(reader: Reader) -> None:
    desk = reader.desk
    desk.owner = reader.owner()
    key = desk.virtual_key(desk.real_key(desk.account("desk")), "bot", POLICY)
    reader.ids["vk-"] = [key.id]
    reader.bot = desk.bot(key)  # type: ignore[attr-defined]


def test_commands_without_a_terminal_take_files_and_print_json(reader: Reader) -> None:
    """After the recipe: the owner is there, and has an app and recovery codes."""
    home, folder = reader.desk.home, reader.folder
    made = _run(home, "person", "invite", "tara", "--mail", "tara@example.org", "--role", "trader")
    (folder / "token").write_text(made["enrolment"] + "\n", encoding="utf-8")
    (folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
    secrets_given = [f"--password-file={folder / 'password'}"]
    assert _run(home, "logout") == {"signed_in": False}
    assert "watchword login" in _run(home, "whoami", fails=True)["error"]
    started = _run(home, "enrol", f"--token-file={folder / 'token'}", *secrets_given)
    tara = Member(reader.desk.console, "tara")
    tara.seed = pyotp.parse_uri(started["uri"]).secret
    (folder / "code").write_text("000000" if _code(tara) != "000000" else "000001", encoding="utf-8")
    refused = _run(home, "factor", "confirm", started["factor"], f"--code-file={folder / 'code'}", fails=True)
    assert refused["error"]
    (folder / "code").write_text(_code(tara), encoding="utf-8")
    assert (
        _run(home, "factor", "confirm", started["factor"], f"--code-file={folder / 'code'}")["kind"] == "totp"
    )
    assert _run(home, "whoami")["role"] == "trader"
    assert "role" in _run(home, "person", "list", fails=True)["error"]
    (folder / "code").write_text(_code(tara, steps=1), encoding="utf-8")
    ignored = {"WATCHWORD_TOKEN": "wwt_nobody"}
    again = _run(home, "login", "tara", *secrets_given, f"--code-file={folder / 'code'}", more=ignored)
    assert (again["person"], again["stage"]) == ("tara", "full")
    codes = _run(home, "factor", "recovery-codes")["codes"]
    assert _run(home, "factor", "list")["recovery_codes_left"] == len(codes)
    assert _run(home, "factor", "remove", started["factor"], fails=True)["error"]
    (folder / "code").write_text(codes[0], encoding="utf-8")
    code = f"--code-file={folder / 'code'}"
    signed_in = _run(home, "login", "tara", *secrets_given, code, "--recovery")
    assert (signed_in["person"], signed_in["stage"], "token" in signed_in) == ("tara", "full", False)
    assert _run(home, "step-up", code, "--recovery", fails=True)["error"], "a code is good once"
    (folder / "code").write_text(codes[1], encoding="utf-8")
    assert _run(home, "step-up", code, "--recovery")["stage"] == "full"
    assert _run(home, "approval", "list")["items"] == []
    assert _run(home, "approval", "show", "ap-nosuch", fails=True)["error"]


def test_api_command_reaches_every_route_by_name(reader: Reader) -> None:
    home, folder = reader.desk.home, reader.folder
    routes = {one["operation"] for one in _run(home, "api")}
    assert {"listKeys", "searchAudit", "decideApproval"} <= routes
    assert _run(home, "api", "listKeys", "limit=1")["items"] == []
    token = _run(home, "token", "make", "reader", "--scope", "key.read", "--days", "1")
    assert _run(home, "token", "list")[0]["label"] == "reader"
    (folder / "ci.token").write_text(token["token"] + "\n", encoding="utf-8")
    by_token = {"WATCHWORD_TOKEN_FILE": str(folder / "ci.token")}
    assert _run(home, "api", "listKeys", "limit=1", more=by_token)["items"] == []
    assert "scope" in _run(home, "whoami", more=by_token, fails=True)["error"]
    assert _run(home, "token", "revoke", token["about"]["id"]) == {"revoked": token["about"]["id"]}
    assert _run(home, "api", "listKeys", more=by_token, fails=True)["error"]
    for wrong in (
        ("api", "noSuchRoute"),
        ("api", "showKey"),
        ("api", "listKeys", "limit"),
        ("api", "listKeys", "no=1"),
    ):
        assert _run(home, *wrong, fails=True)["error"], wrong


def _run(home: Path, *words: str, fails: bool = False, more: dict[str, str] | None = None) -> Any:
    """Run a command with --json; return what it printed."""
    done = subprocess.run(
        [*PROGRAM, *words, "--home", str(home), "--json"], check=False, capture_output=True, stdin=subprocess.DEVNULL,
        timeout=COMMAND_WAIT_S, env={**os.environ, **(more or {})},
    )  # fmt: skip
    assert bool(done.returncode) is fails, (words, done.stdout, done.stderr)
    assert b"Traceback" not in done.stderr
    return json.loads(done.stdout)


def _code(member: Member, steps: int = 0) -> str:
    """The code of this moment, or of so many steps later; wrong tries have not used it up."""
    return str(pyotp.TOTP(member.seed).generate_otp(int(time.time()) // 30 + steps))
