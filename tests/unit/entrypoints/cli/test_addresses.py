"""`watchword factor add-address`, `contact …`, `token make --ip`: what they ask of the console, and what they print."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from watchword.entrypoints.cli import addresses, people

CODE = "246802"


class NotedConsole:
    """Notes what it is asked, and answers by path."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.kept: list[str] = []

    def call(self, method: str, path: str, body: Any = None) -> Any:
        self.asked.append((method, path, body))
        if path.endswith("/confirmation") and "factors" in path:
            return {"factor": {"id": "f-1", "kind": "mail"}, "token": "wws_new"}
        if path == "/self":
            return {
                "mail": "a@example.org",
                "mail_confirmed": True,
                "phone": "",
                "phone_confirmed": False,
                "id": "p-1",
            }
        if path == "/self/tokens":
            return {"token": "wwt_text", "about": {"id": "t-1"}}
        return {"id": "n-1"}

    def keep_session(self, token: str) -> None:
        self.kept.append(token)


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> NotedConsole:
    made = NotedConsole()
    for module in (addresses, people):
        monkeypatch.setattr(module, "management", lambda _home: made)
    return made


def typed(app: Any, *words: str, code: str = "") -> str:
    done = CliRunner().invoke(app, [*words], input=code)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_contact_is_changed_in_two_steps(console: NotedConsole, tmp_path: Path) -> None:
    started = typed(addresses.app, "change", "mail", "a@example.org", "--json")
    assert json.loads(started) == {"id": "n-1"}
    shown = typed(addresses.app, "confirm", "n-1", "--code-file=-", "--json", code=f"{CODE}\n")
    assert json.loads(shown)["mail_confirmed"] is True
    file = tmp_path / "code"
    file.write_text(CODE + "\n", encoding="utf-8")
    file.chmod(0o600)
    assert "a@example.org" in typed(addresses.app, "confirm", "n-1", f"--code-file={file}")
    assert console.asked[:2] == [
        ("POST", "/self/contact/codes", {"channel": "mail", "address": "a@example.org"}),
        ("POST", "/self/contact/confirmation", {"id": "n-1", "code": CODE}),
    ]
    assert console.asked[1] == console.asked[3]


def test_address_is_set_up_and_its_session_kept(console: NotedConsole) -> None:
    app = people.factor_app
    assert json.loads(typed(app, "add-address", "sms", "+4930123456", "--json")) == {"id": "n-1"}
    words = ("confirm-address", "f-1", "--replaces", "f-2", "--code-file=-", "--json")
    assert json.loads(typed(app, *words, code=f"{CODE}\n"))["kind"] == "mail"
    assert console.asked == [
        ("POST", "/self/factors/addresses", {"channel": "sms", "address": "+4930123456"}),
        ("POST", "/self/factors/addresses/f-1/confirmation", {"code": CODE, "replaces": "f-2"}),
    ]
    assert console.kept == ["wws_new"]


def test_token_takes_its_list(console: NotedConsole) -> None:
    words = ("make", "ci", "--scope", "key.read", "--ip", "192.0.2.7", "--ip", "2001:db8::/64")
    assert "wwt_text" in typed(people.token_app, *words)
    ((_, _, body),) = console.asked
    assert body["ips"] == ["192.0.2.7", "2001:db8::/64"]
