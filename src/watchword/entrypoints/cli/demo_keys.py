"""The demo's accounts and keys: made once, kept in files (0600) under HOME/demo, found again at the next start."""

import json
from pathlib import Path
from typing import Any, Final

from watchword.adapters.home import write_atomically
from watchword.adapters.system import SystemEntropy
from watchword.config import Settings
from watchword.credentials.keypair import KeyKind, generate
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.cli.admin_client import Ask, administration
from watchword.entrypoints.testnet.admin import requests as ask

ROLE: Final = "watchword demo up"
ACCOUNT: Final = "demo"
#: The bot has an account of its own, so that its cancel-all never touches what a person placed.
BOT_ACCOUNT: Final = "demo-bot"
TRADING: Final = ["SPOT_AND_MARGIN_TRADING"]

_MADE: Final[dict[str, tuple[KeyType, KeyKind | None]]] = {
    "hmac": ("HMAC", None),
    "rsa": ("RSA", "rsa-2048"),
    "ed25519": ("ED25519", "ed25519"),
}


def prepare(settings: Settings) -> Path:
    """Make what is missing of the demo accounts and keys.

    Args:
        settings: Whose `home`; a testnet of it should be running.

    Returns:
        The folder of the key files: `hmac.json`, `rsa.json`, `ed25519.json`, `bot.json`, and the private keys.
    """
    folder = settings.home / "demo"
    folder.mkdir(mode=0o700, exist_ok=True)
    with administration(settings, ROLE) as perform:
        known = {account["account"] for account in perform(ask.ListAccounts())}
        for name in (ACCOUNT, BOT_ACCOUNT):
            if name not in known:
                perform(ask.CreateAccount(name))
        live = {key["api_key"] for key in perform(ask.ListKeys())}
        for name in _MADE:
            _ensure(folder / f"{name}.json", ACCOUNT, name, live, perform)
        _ensure(folder / "bot.json", BOT_ACCOUNT, "hmac", live, perform)
    return folder


def _ensure(file: Path, account: str, name: str, live: set[str], perform: Ask) -> None:
    """Make one key, unless its file names a key that still exists."""
    if file.exists() and json.loads(file.read_bytes())["api_key"] in live:
        return
    key_type, kind = _MADE[name]
    content: dict[str, Any]
    if kind is None:
        made = perform(ask.CreateKey(account, key_type, label=f"demo {name}", permissions=TRADING))
        content = {"api_key": made["api_key"], "secret_key": made["secret_key"]}
        write_atomically(file.with_suffix(".secret"), made["secret_key"].encode())
    else:
        pair = generate(kind, SystemEntropy())
        private = file.with_suffix(".pem")
        write_atomically(private, pair.export(None, SystemEntropy()))
        made = perform(
            ask.CreateKey(
                account, key_type, public_key=pair.public.pem(), label=f"demo {name}", permissions=TRADING
            )
        )
        content = {"api_key": made["api_key"], "private_key_file": str(private)}
    write_atomically(file, json.dumps(content, indent=2).encode() + b"\n")
