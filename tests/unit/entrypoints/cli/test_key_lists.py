"""`watchword key list` and `watchword testnet key list`: what is asked for options, what is printed for answers."""

import contextlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from watchword.entrypoints.cli import testnet_keys, virtual_keys
from watchword.entrypoints.cli.app import app
from watchword.entrypoints.gateway.admin import requests as wire
from watchword.entrypoints.testnet.admin import requests as ask

#: Whatever else a list shows is empty here.
TESTNET_KEY: dict[str, Any] = defaultdict(
    str, account="alice", api_key="k" * 64, key_type="HMAC", label="grid"
)
VIRTUAL_KEY = {
    "label": "grid", "id": "vk-1", "state": "works", "ends_in": "", "credential": "c", "credential_label": "main",
    "versions": [{"key_type": "HMAC"}], "policy": "p", "policy_text": "", "usage": None, "ips": [], "own_orders_only": True,
    "last_used": None, "parent": "",
}  # fmt: skip


class Asked:
    """Answers every request with one answer, and remembers the request."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.requests: list[Any] = []

    def take(self, request: Any) -> Any:
        self.requests.append(request)
        return self.answer


def ask_testnet(monkeypatch: pytest.MonkeyPatch, home: Path, asked: Asked, *words: str) -> Result:
    @contextlib.contextmanager
    def administration(settings: object, role: str) -> Iterator[Any]:
        yield asked.take

    (home / "testnet").mkdir(exist_ok=True)
    monkeypatch.setattr(testnet_keys, "administration", administration)
    return CliRunner().invoke(app, ["testnet", "key", "list", *words, "--home", str(home)])


def ask_gateway(monkeypatch: pytest.MonkeyPatch, home: Path, asked: Asked, *words: str) -> Result:
    monkeypatch.setattr(virtual_keys, "look", lambda folder, request: asked.take(request))
    return CliRunner().invoke(app, ["key", "list", *words, "--home", str(home)])


def test_testnet_options_become_one_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = Asked([TESTNET_KEY])
    ask_testnet(monkeypatch, tmp_path, asked)
    words = "--account alice --query grid --state works --type ed25519 --permission trade --sort last_used --descending --limit 5 --cursor x"
    ask_testnet(monkeypatch, tmp_path, asked, *words.split())
    assert asked.requests == [
        ask.ListKeys(),
        ask.ListKeys(
            "alice", query="grid", state="works", key_type="ED25519", permission="trade", sort="last_used",
            descending=True, limit=5, cursor="x",
        ),
    ]  # fmt: skip


def test_virtual_options_become_one_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = Asked({"keys": [VIRTUAL_KEY]})
    ask_gateway(monkeypatch, tmp_path, asked)
    words = "--revoked --query grid --state expired --type rsa --credential main --sort label --descending --limit 5 --cursor x"
    ask_gateway(monkeypatch, tmp_path, asked, *words.split())
    assert asked.requests == [
        wire.ListKeys(),
        wire.ListKeys(
            True, query="grid", state="expired", key_type="RSA", credential="main", sort="label", descending=True,
            limit=5, cursor="x",
        ),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("listing", "key"), [(ask_testnet, TESTNET_KEY), (ask_gateway, VIRTUAL_KEY)], ids=["testnet", "virtual"]
)
def test_page_says_where_it_is_and_a_whole_list_does_not(
    listing: Any, key: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    page = Asked({"keys": [key], "total": 7, "next": "abc"})
    shown = listing(monkeypatch, tmp_path, page, "--limit", "1").stdout
    assert "grid" in shown
    assert "1 of 7; the next page: --cursor abc" in shown
    told = json.loads(listing(monkeypatch, tmp_path, page, "--limit", "1", "--json").stdout)
    assert (told["total"], told["next"], len(told["keys"])) == (7, "abc", 1)
    whole = Asked([key] if listing is ask_testnet else {"keys": [key]})
    assert " of " not in listing(monkeypatch, tmp_path, whole).stdout
    assert len(json.loads(listing(monkeypatch, tmp_path, whole, "--json").stdout)) == 1
    last = Asked({"keys": [key], "total": 7})
    assert "cursor" not in listing(monkeypatch, tmp_path, last, "--limit", "1").stdout


@pytest.mark.parametrize(
    "words", [["--limit", "0"], ["--limit", "501"], ["--sort", "secret"], ["--state", "dead"]]
)
@pytest.mark.parametrize("listing", [ask_testnet, ask_gateway], ids=["testnet", "virtual"])
def test_option_out_of_bounds_asks_nothing(
    listing: Any, words: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = Asked([])
    assert listing(monkeypatch, tmp_path, asked, *words).exit_code == 2
    assert not asked.requests
