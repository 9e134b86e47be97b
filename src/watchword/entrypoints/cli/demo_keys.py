"""The demo's accounts and keys: real ones made in the vault, virtual ones in files (0600) under HOME/demo.

Made once, found again at the next start. A real secret never leaves the vault's process; what an older Watchword left
in the files is taken off the exchange and replaced.
"""

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from watchword.adapters.system import SystemEntropy
from watchword.config import Settings
from watchword.credentials.keypair import KeyKind, generate
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.cli.admin_client import Ask as AskTestnet
from watchword.entrypoints.cli.admin_client import administration
from watchword.entrypoints.cli.vault_client import ask as ask_vault
from watchword.entrypoints.cli.virtual_keys_client import Ask as AskGateway
from watchword.entrypoints.cli.virtual_keys_client import running_gateway
from watchword.entrypoints.gateway.admin import requests as virtual
from watchword.entrypoints.testnet.admin import requests as testnet
from watchword.entrypoints.vault import requests as vault
from watchword.storage.private_files import write_atomically

ROLE: Final = "watchword demo up"
ACCOUNT: Final = "demo"
#: The bot has an account of its own, so that its cancel-all never touches what a person placed.
BOT_ACCOUNT: Final = "demo-bot"
TRADING: Final = ["SPOT_AND_MARGIN_TRADING"]

DEMO_POLICY: Final = """\
# What the demo keys may do. After a change: watchword key edit demo-hmac --policy THIS-FILE
version: 1
name: demo
permissions: [read, trade]
symbols: any
sides: any
order_types: any
reference: {max_age: 30s}
price_band: {worse: 2%, stop: 20%}
max_order: {USDT: 5000, BTC: 0.1}
max_day: {USDT: 50000, BTC: 1}
"""
BOT_POLICY: Final = """\
# What the bot may do. After a change: watchword key edit demo-bot --policy THIS-FILE
version: 1
name: demo-bot
permissions: [read, trade]
symbols: [BTCUSDT]
sides: [BUY, SELL]
order_types: [LIMIT, MARKET]
reference: {max_age: 30s}
price_band: {worse: 1%}
max_order: {USDT: 500}
rate: {per_minute: 150}
"""
POLICIES: Final = {"demo.yaml": DEMO_POLICY, "bot.yaml": BOT_POLICY}


class Bot(msgspec.Struct, frozen=True):
    """One virtual key of the demo.

    Attributes:
        name: Of its files.
        account: Whose real key signs for it.
        policy: File of its policy.
        key_type, kind: Which signatures it makes, and with which pair; None for an HMAC secret.
    """

    name: str
    account: str
    policy: str
    key_type: KeyType
    kind: KeyKind | None = None


BOTS: Final = (
    Bot("hmac", ACCOUNT, "demo.yaml", "HMAC"),
    Bot("rsa", ACCOUNT, "demo.yaml", "RSA", "rsa-2048"),
    Bot("ed25519", ACCOUNT, "demo.yaml", "ED25519", "ed25519"),
    Bot("bot", BOT_ACCOUNT, "bot.yaml", "HMAC"),
)


class Prepared(msgspec.Struct, frozen=True):
    """What is there now.

    Attributes:
        folder: Of the key files: `hmac.json`, `rsa.json`, `ed25519.json`, `bot.json`, private keys and policies.
        replaced: How many real keys an older Watchword had left in these files; they work nowhere any more.
    """

    folder: Path
    replaced: int


def prepare(settings: Settings) -> Prepared:
    """Make what is missing of the demo accounts and keys.

    Args:
        settings: Whose `home`; its testnet and its gateway, unsealed, are running.

    Raises:
        WatchwordError: Something of it was refused.
    """
    folder = settings.home / "demo"
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, text in POLICIES.items():
        if not (folder / name).exists():
            write_atomically(folder / name, text.encode())
    with administration(settings, ROLE) as ask_testnet, running_gateway(settings.home) as ask_gateway:
        known = {account["account"] for account in ask_testnet(testnet.ListAccounts())}
        for name in (ACCOUNT, BOT_ACCOUNT):
            if name not in known:
                ask_testnet(testnet.CreateAccount(name))
        keys = ask_testnet(testnet.ListKeys())
        replaced = _take_back(folder, {key["api_key"] for key in keys}, ask_testnet)
        # One that lay idle for a month has lost its trading: it counts as gone.
        live = {key["api_key"] for key in keys if set(TRADING) <= set(key["permissions"])}
        real = {name: _real_key(settings.home, name, live, ask_testnet) for name in (ACCOUNT, BOT_ACCOUNT)}
        issued = ask_gateway(virtual.ListKeys())["keys"]
        for bot in BOTS:
            _ensure(folder, bot, real[bot.account], issued, ask_gateway)
    return Prepared(folder, replaced)


def _take_back(folder: Path, live: set[str], ask: AskTestnet) -> int:
    """Delete real keys of the exchange that lie in the demo files: a Watchword before the gateway put them there."""
    found = {_read(folder / f"{bot.name}.json").get("api_key", "") for bot in BOTS} & live
    for api_key in found:
        ask(testnet.DeleteKey(api_key))
    return len(found)


def _real_key(home: Path, account: str, live: set[str], ask: AskTestnet) -> str:
    """Have the account's key pair made in the vault and registered at the exchange, unless it is there.

    Returns:
        The credential's id.
    """
    from watchword.bootstrap.vault_view import listed, store_of

    record = next((one.record for one in listed(store_of(home)) if one.record.label == account), None)
    if record is not None and record.api_key in live:
        return record.id
    if record is not None:
        # Of a testnet that was begun anew, or made by a start that was cut short: nothing works with it.
        ask_vault(home, vault.RemoveCredential(record.id))
    made = ask_vault(
        home,
        vault.GenerateCredential(
            "ed25519", account, "local", ["READING", "SPOT_AND_MARGIN_TRADING"], "made by watchword demo up"
        ),
    )
    registered = ask(
        testnet.CreateKey(
            account, "ED25519", public_key=made["public_key"], label="in the vault", permissions=TRADING
        )
    )
    ask_vault(home, vault.RegisterCredential(made["id"], registered["api_key"]))
    return str(made["id"])


def _ensure(folder: Path, bot: Bot, credential: str, issued: list[dict[str, Any]], ask: AskGateway) -> None:
    """Issue one virtual key, unless its file names one that works."""
    file = folder / f"{bot.name}.json"
    label = f"demo-{bot.name}"
    held = _read(file).get("api_key")
    for key in issued:
        works = key["state"] == "works" and key["credential"] == credential
        if works and held in {one["api_key"] for one in key["versions"] if one["state"] != "ended"}:
            return
    for key in issued:
        if key["label"] == label:
            ask(virtual.RevokeKey(key["id"]))
    pair = generate(bot.kind, SystemEntropy()) if bot.kind else None
    answer = ask(
        virtual.IssueKey(
            label=label,
            key_type=bot.key_type,
            public_key=pair.public.pem() if pair else "",
            credential=credential,
            policy=(folder / bot.policy).read_text("utf-8"),
        )
    )
    content = {"api_key": answer["api_key"]}
    if pair:
        private = file.with_suffix(".pem")
        write_atomically(private, pair.export(None, SystemEntropy()))
        content["private_key_file"] = str(private)
    else:
        content["secret_key"] = answer["secret_key"]
        write_atomically(file.with_suffix(".secret"), answer["secret_key"].encode())
    write_atomically(file, json.dumps(content, indent=2).encode() + b"\n")


def _read(file: Path) -> dict[str, Any]:
    """Read a key file; empty where there is none, or nothing that can be used."""
    try:
        content = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
