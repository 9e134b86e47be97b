"""A real console: set-up of the first owner, sign-in, security keys, lock-out, tokens, its end, its restart, its trail."""

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.authenticator import SoftAuthenticator
from tests.support.console_process import PASSWORD, ConsoleProcess, Member, founded, run, run_lines

# A used step of an app is refused, so a second sign-in within 30 seconds waits for the next step: the tests share one
# owner whose factor was shown at enrolment and stays fresh for five minutes.


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("console")


@pytest.fixture(scope="module")
def console(folder: Path) -> Iterator[ConsoleProcess]:
    enrolment = founded(folder / "home")
    process = ConsoleProcess.start(folder / "home")
    process.enrolment = enrolment  # type: ignore[attr-defined]
    yield process
    assert process.stop() == 0


@pytest.fixture(scope="module")
def owner(console: ConsoleProcess) -> Member:
    return Member(console, "olga").enrol(console.enrolment)  # type: ignore[attr-defined]


def test_enrolment_token_is_good_once_and_there_is_no_default_password(
    console: ConsoleProcess, owner: Member
) -> None:
    body = {"token": console.enrolment, "password": "another long passphrase"}  # type: ignore[attr-defined]
    assert console.call("POST", "/enrolment", "", body).code == "sign-in-refused"
    for password in ("admin", "password", "watchword", "olga"):
        assert console.call("POST", "/sign-in", "", {"login": "olga", "password": password}).status == 401
    assert owner.call("GET", "/self").json["role"] == "owner"


def test_sign_in_with_app_refuses_a_used_step_and_rotates_the_token(
    console: ConsoleProcess, owner: Member
) -> None:
    used = owner.code()
    first = console.call("POST", "/sign-in", "", {"login": "olga", "password": PASSWORD}).json
    attempt = {"attempt": {"type": "totp", "code": used}}
    second = console.call("POST", "/sign-in/factor", first["token"], attempt)
    assert (second.status, second.json["stage"]) == (200, "full")
    assert console.call("GET", "/self", first["token"]).status == 401
    again = console.call("POST", "/sign-in", "", {"login": "olga", "password": PASSWORD}).json
    assert console.call("POST", "/sign-in/factor", again["token"], attempt).code == "factor-refused"
    owner.token = second.json["token"]


def test_security_key_is_registered_and_signs_in(console: ConsoleProcess, owner: Member) -> None:
    key, origin = SoftAuthenticator(), console.origin
    options = owner.call("POST", "/self/factors/keys/options").json["options"]
    assert options["rp"]["id"] == "localhost"
    answer = key.register(options, origin, "localhost")
    added = owner.call("POST", "/self/factors/keys", {"label": "yubi", "answer": answer})
    assert added.status == 201, added.body
    first = console.call("POST", "/sign-in", "", {"login": "olga", "password": PASSWORD}).json
    assert first["offered"] == ["totp", "webauthn"]
    challenge = console.call("POST", "/sign-in/challenge", first["token"]).json["options"]
    foreign = key.show(challenge, "http://127.0.0.1:1", "localhost")
    attempt = {"attempt": {"type": "webauthn", "answer": foreign}}
    assert console.call("POST", "/sign-in/factor", first["token"], attempt).code == "factor-refused"
    challenge = console.call("POST", "/sign-in/challenge", first["token"]).json["options"]
    attempt = {"attempt": {"type": "webauthn", "answer": key.show(challenge, origin, "localhost")}}
    assert console.call("POST", "/sign-in/factor", first["token"], attempt).json["stage"] == "full"


def test_recovery_code_lets_in_once(console: ConsoleProcess, owner: Member) -> None:
    codes = owner.call("POST", "/self/recovery-codes").json["codes"]
    attempt = {"attempt": {"type": "recovery", "code": codes[0].upper()}}
    for status in (200, 403):
        first = console.call("POST", "/sign-in", "", {"login": "olga", "password": PASSWORD}).json
        assert console.call("POST", "/sign-in/factor", first["token"], attempt).status == status


def test_api_token_does_what_its_scopes_say(console: ConsoleProcess, owner: Member) -> None:
    ends_us = int(time.time() * 1_000_000) + 3_600_000_000
    draft = {"label": "monitor", "scopes": ["person.read", "self.read"], "expires_us": ends_us}
    made = owner.call("POST", "/self/tokens", draft).json
    assert console.call("GET", "/people", made["token"]).status == 200
    assert console.call("GET", "/self", made["token"]).json["actions"] == ["person.read", "self.read"]
    narrow = console.call("DELETE", f"/self/tokens/{made['about']['id']}", made["token"])
    assert narrow.code == "outside-scope"
    draft = {"name": "mia", "mail": "mia@example.org", "role": "trader"}
    assert console.call("POST", "/people", made["token"], draft).code == "token-not-accepted"
    assert owner.call("DELETE", f"/self/tokens/{made['about']['id']}").status == 204
    assert console.call("GET", "/people", made["token"]).status == 401


def test_auditor_reads_all_and_changes_nothing(console: ConsoleProcess, owner: Member) -> None:
    auditor = console.invite(owner, "una", "auditor")
    listed = auditor.call("GET", "/people").json["items"]
    assert {"olga", "una"} <= {person["name"] for person in listed}
    for person in listed:
        assert auditor.call("DELETE", f"/people/{person['id']}").code == "forbidden"
        assert auditor.call("PUT", f"/people/{person['id']}/role", {"role": "owner"}).code == "forbidden"


def test_second_console_of_a_home_refuses_to_start(console: ConsoleProcess) -> None:
    with pytest.raises(RuntimeError, match="held by process"):
        ConsoleProcess.start(console.home)
    assert (
        "held by process"
        in run(console.home, "console", "init", "--name", "x1", "--mail", "x@y.z", fails=True)["error"]
    )


def test_status_says_where_it_runs(console: ConsoleProcess, tmp_path: Path) -> None:
    told = run(console.home, "console", "status")
    assert (told["running"], told["pid"]) == (True, console.pid)
    assert told["api"] == f"http://127.0.0.1:{console.port}"
    assert run(tmp_path / "other", "console", "status") == {"running": False, "home": str(tmp_path / "other")}


def test_running_server_serves_the_published_document(console: ConsoleProcess) -> None:
    published = json.loads((Path(__file__).parents[3] / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert console.call("GET", "/openapi.json").json == published


def test_files_are_for_their_owner_only(console: ConsoleProcess) -> None:
    for path in (console.home / "console").rglob("*"):
        if path.name != "checkpoint.pub":
            assert not stat.S_IMODE(path.stat().st_mode) & 0o077, path
    kept = b"".join(path.read_bytes() for path in (console.home / "console").rglob("*") if path.is_file())
    assert PASSWORD.encode() not in kept


def test_restart_keeps_people_and_sessions(folder: Path) -> None:
    home = folder / "kept"
    enrolment = founded(home)
    process = ConsoleProcess.start(home)
    try:
        member = Member(process, "olga").enrol(enrolment)
        process.kill()
        process = member.console = ConsoleProcess.start(home)
        assert member.call("GET", "/self").json["name"] == "olga"
        assert member.call("POST", "/sign-out").status == 204
        assert member.call("GET", "/self").status == 401
        assert process.stop() == 0
        assert not (home / "console" / "run.json").exists()
    finally:
        process.kill()
    again = run(home, "console", "init", "--name", "olga", "--mail", "olga@example.org", fails=True)
    assert "already" in again["error"]


def test_trail_says_who_from_where_with_which_factor_and_verifies(folder: Path) -> None:
    home = folder / "trail"
    enrolment = founded(home)
    process = ConsoleProcess.start(home)
    try:
        owner = Member(process, "olga").enrol(enrolment)
        trader = process.invite(owner, "tim", "trader")
        assert trader.call("GET", "/people").status == 403
        secrets = [owner.token, trader.token, owner.seed, trader.seed, enrolment, PASSWORD]
    finally:
        assert process.stop() == 0
    rows = run_lines(home / "console", "audit", "tail", "-n", "500")
    text = json.dumps(rows)
    assert not [secret for secret in secrets if secret in text]
    assert not [secret for secret in secrets if secret in process.log()]
    changes = {row["event"]["action"]: row["event"] for row in rows if row["event"].get("action")}
    assert {"person:founded", "person:enrolled", "factor:totp:added", "person:invited"} <= set(changes)
    invited = changes["person:invited"]
    assert (invited["actor"], invited["subject"], invited["values"]["from"]) == ("olga", "tim", "127.0.0.1")
    assert (invited["values"]["factor"], invited["values"]["role"]) == ("totp", "trader")
    refused = [row["event"] for row in rows if row["event"]["type"] == "request:refused"]
    assert [(row["rule"], row["endpoint"]) for row in refused] == [("forbidden", "GET /manage/v1/people")]
    assert run(home / "console", "audit", "verify")["good"]
