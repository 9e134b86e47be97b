"""Calling the management API from a command: which token goes with it, what its refusals say, and what is no console."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from watchword.adapters.console_home import console_folder
from watchword.entrypoints.cli.api import _path, _values
from watchword.entrypoints.cli.console_client import NoConsoleError
from watchword.entrypoints.cli.management_client import (
    NOT_SIGNED_IN,
    STALE_FACTOR,
    Management,
    ManagementRefusedError,
    at,
)
from watchword.kernel.errors import ConfigurationError, StorageError
from watchword.kernel.secret import Secret

TOKEN = "wws_of-the-session"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose console is said to listen where nobody does."""
    console_folder(tmp_path).mkdir(parents=True)
    run = {"console": {"api": "http://127.0.0.1:1"}}
    (console_folder(tmp_path) / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return tmp_path


def answering(
    home: Path, status: int, body: bytes, token: Secret | None = None
) -> tuple[Management, list[Any]]:
    """A client whose console says this, and what it was sent."""
    api, sent = Management(home, token), []

    def exchanged(
        method: str, target: str, content: bytes | None, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        sent.append((method, target, content, headers))
        return status, body

    api._exchanged = exchanged  # type: ignore[method-assign]
    return api, sent


def test_home_without_a_console_is_said_to_have_none(tmp_path: Path, home: Path) -> None:
    with pytest.raises(NoConsoleError):
        Management(tmp_path / "elsewhere")
    with pytest.raises(NoConsoleError):
        Management(home).call("GET", "/self")


def test_session_is_kept_for_its_owner_only_and_forgotten(home: Path) -> None:
    api, sent = answering(home, 200, b"{}")
    assert api.session_token() is None
    api.keep_session(TOKEN)
    (file,) = [one for one in console_folder(home).iterdir() if one.name != "run.json"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    api.call("GET", "/self")
    api.call("POST", "/sign-in", {"login": "olga"}, signed_in=False)
    api.forget_session()
    api.forget_session()
    api.call("GET", "/about")
    assert [headers.get("authorization") for _, _, _, headers in sent] == [f"Bearer {TOKEN}", None, None]


def test_api_token_goes_before_the_session(home: Path) -> None:
    api, sent = answering(home, 200, b"{}", Secret(b"wwt_a-token"))
    api.keep_session(TOKEN)
    api.call("GET", "/keys", query={"query": "", "account": None, "limit": 5, "revoked": True})
    ((_, target, content, headers),) = sent
    assert headers["authorization"] == "Bearer wwt_a-token"
    assert (target, content) == ("/manage/v1/keys?limit=5&revoked=true", None)


@pytest.mark.parametrize(
    "token", [b"wwt_one\r\nX-Forged: 1", b"wwt_one two", b"\xff\xfe", "wwt_\u00e9".encode()]
)
def test_token_that_could_not_be_one_is_not_sent_and_not_shown(home: Path, token: bytes) -> None:
    api, sent = answering(home, 200, b"{}", Secret(token))
    with pytest.raises(ConfigurationError) as raised:
        api.call("GET", "/self")
    assert "wwt_" not in str(raised.value)
    assert sent == []


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"token": 5}', b"\xff"])
def test_damaged_session_file_is_nobody_signed_in(home: Path, content: bytes) -> None:
    (console_folder(home) / "cli-session.json").write_bytes(content)
    assert Management(home).session_token() is None


@pytest.mark.parametrize(
    ("kind", "hint"),
    [(NOT_SIGNED_IN, "watchword login"), (STALE_FACTOR, "watchword step-up"), ("urn:other", "")],
)
def test_refusal_says_what_to_do(home: Path, kind: str, hint: str) -> None:
    api, _ = answering(home, 403, json.dumps({"type": kind, "detail": "no", "status": 403}).encode())
    with pytest.raises(ManagementRefusedError) as raised:
        api.call("GET", "/self")
    assert str(raised.value).startswith("no")
    assert hint in str(raised.value)
    assert bool(hint) is (str(raised.value) != "no")


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (500, b""), (404, b"\xff\xfe")])
def test_what_is_no_console_is_not_believed(home: Path, status: int, body: bytes) -> None:
    api, _ = answering(home, status, body)
    with pytest.raises(StorageError, match="no console"):
        api.call("GET", "/self")


def test_no_content_is_none(home: Path) -> None:
    assert answering(home, 204, b"")[0].call("DELETE", "/self/tokens/t-1") is None


def test_values_in_a_path_cannot_name_another_route() -> None:
    assert at("/people/", "p-1", "/usable") == "/people/p-1/usable"
    assert at("/people/", "../vault?x=#", "/usable") == "/people/..%2Fvault%3Fx%3D%23/usable"
    with pytest.raises(ConfigurationError):
        at("/people/", "")


def test_parts_of_a_path_are_taken_from_what_is_given_and_the_rest_is_the_query() -> None:
    values = _values(["person=p-1", "kind=virtual", "subject=vk-1", "limit=5"])
    assert (
        _path("/people/{person}/assignments/{kind}/{subject}", values)
        == "/people/p-1/assignments/virtual/vk-1"
    )
    assert values == {"limit": "5"}
    assert _path("/keys", values) == "/keys"
    for wrong in (["limit"], ["=5"], ["limit=1", "limit=2"]):
        with pytest.raises(ConfigurationError):
            _values(wrong)
    with pytest.raises(ConfigurationError, match="person"):
        _path("/people/{person}", {})
