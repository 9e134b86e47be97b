"""What `watchword demo up` prints: where everything is, and three lines that work when pasted, what to open. Starts nothing."""

import sys
from pathlib import Path

from watchword.entrypoints.cli.output import show_table
from watchword.entrypoints.demo.console_beside import OWNER


def show_places(
    gateway: dict[str, str], testnet: dict[str, str], folder: Path, console: tuple[str, str]
) -> None:
    """Print it; last what to open, so that it stands right above what the bot says.

    Args:
        gateway: Its addresses: `rest`, `streams`, `ws_api`.
        testnet: Likewise.
        folder: Of the key files.
        console: What browsers call it by, and the first owner's enrolment token; empty where somebody enrolled.
    """
    origin, enrolment = console
    show_table(
        "\nWatchword is up: a testnet, the gateway before it, and a console.",
        ("what", "where"),
        (
            ("console", origin),
            ("gateway", gateway["rest"] + "/api"),
            ("  streams", gateway["streams"] + "/ws  …/stream"),
            ("  WebSocket API", gateway["ws_api"]),
            ("testnet", testnet["rest"] + "/api"),
            ("HMAC key", folder / "hmac.json"),
            ("RSA key", f"{folder / 'rsa.json'}  private key: {folder / 'rsa.pem'}"),
            ("Ed25519 key", f"{folder / 'ed25519.json'}  private key: {folder / 'ed25519.pem'}"),
            ("their policy", f"{folder / 'demo.yaml'}  the bot's: {folder / 'bot.yaml'}"),
            ("real keys", "Ed25519, made inside the vault; they never leave it"),
        ),
    )
    sys.stdout.write(_lines(gateway["rest"], folder))
    sys.stdout.write(_entrance(origin, enrolment))
    sys.stdout.write("\nCtrl-C stops everything. The bot's doings:\n")
    sys.stdout.flush()


def _entrance(origin: str, enrolment: str) -> str:
    if not enrolment:
        return f"\nOpen the console in a browser and sign in:\n  {origin}\n"
    # Behind the `#`: a browser sends that to nobody, so the token is in no log.
    return f"""
Open this in a browser first. You set a password and an authenticator app; then "First steps" leads on.
  {origin}/set-up#token={enrolment}
The link works once, within 72 hours. Afterwards you sign in as "{OWNER}" at {origin}
"""


def _lines(rest: str, folder: Path) -> str:
    python = Path(sys.executable)
    watchword = python.with_name("watchword")
    ed25519, hmac = folder / "ed25519", folder / "hmac.json"
    return f"""
Paste one of these into another terminal.

curl, signed with the virtual Ed25519 key:
  Q="omitZeroBalances=true&recvWindow=30000&timestamp=$(date +%s000)"; curl -s -H "X-MBX-APIKEY: $({python} -c 'import json;print(json.load(open("{ed25519}.json"))["api_key"])')" "{rest}/api/v3/account?$Q&signature=$({watchword} sign --key {ed25519}.pem --payload "$Q" --urlencoded)"

ccxt:
  {python} -c 'import ccxt,json; k=json.load(open("{hmac}")); e=ccxt.binance({{"apiKey":k["api_key"],"secret":k["secret_key"]}}); e.urls["api"].update(public="{rest}/api/v3",private="{rest}/api/v3",sapi="{rest}/sapi/v1",fapiPublic="{rest}/fapi/v1",dapiPublic="{rest}/dapi/v1"); print(e.create_order("BTC/USDT","market","buy",0.001)["info"])'

python-binance:
  {python} -c 'import json; from binance.base_client import BaseClient; from binance.client import Client; BaseClient.API_URL="{rest}/api"; k=json.load(open("{hmac}")); print(Client(k["api_key"],k["secret_key"]).get_asset_balance("BTC"))'
"""
