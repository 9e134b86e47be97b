"""A testnet as a client sees it through the gateway: the same administration, other addresses, virtual keys.

It stands in for `TestnetProcess` in the client tests: `create_key` gives a virtual key, signed for upstream by an Ed25519
credential of the account that never leaves the vault. Whatever a test does with a key, the testnet sees another one.
"""

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.support import programs
from tests.support.gateway_process import TRADING, GatewayProcess
from tests.support.key_pairs import new_key_pair
from tests.support.testnet_process import ADMIN_WAIT_S, KeyType, TestnetKey, TestnetProcess

_PERMISSIONS: Final = {"READING": "read", "SPOT_AND_MARGIN_TRADING": "trade"}


class GatewayInFront:
    """A gateway, unsealed, before one testnet.

    Attributes:
        rest, streams, ws_api: The gateway's addresses.
        testnet: What is behind.
        real_api_keys: API keys of the real credentials, by account.
    """

    def __init__(self, testnet: TestnetProcess, gateway: GatewayProcess) -> None:
        self.testnet = testnet
        self.gateway = gateway
        self.rest, self.streams, self.ws_api = gateway.rest, gateway.streams, gateway.ws_api
        self.real_api_keys: dict[str, str] = {}
        self._serial = 0
        self._ids: dict[str, str] = {}

    def create_account(self, name: str, deposits: Mapping[str, str]) -> None:
        """A new account at the testnet."""
        self.testnet.create_account(name, deposits)

    def deposit(self, account: str, asset: str, amount: str) -> None:
        """Money from outside."""
        self.testnet.deposit(account, asset, amount)

    def create_key(
        self,
        account: str,
        key_type: KeyType,
        *,
        permissions: Sequence[str] = TRADING,
        ips: Sequence[str] = (),
    ) -> TestnetKey:
        """A virtual key for an account, whose real credential is made on first use.

        An account's first key is the one that cleans up after a test, so it sees the orders of the others, too.
        """
        self._serial += 1
        cleans_up = account not in self.real_api_keys
        pem, public = ("", "") if key_type == "HMAC" else new_key_pair(key_type)
        made = self.ask(
            "gateway",
            "key.issue",
            label=f"bot {self._serial}",
            key_type=key_type,
            public_key=public,
            credential=self._credential(account),
            policy=_policy(permissions),
            ips=list(ips),
            own_orders_only=not cleans_up,
        )
        self._ids[made["api_key"]] = made["key"]["id"]
        return TestnetKey(key_type, made["api_key"], made["secret_key"], pem)

    def delete_key(self, key: TestnetKey) -> None:
        """Revoke a virtual key."""
        self.ask("gateway", "key.revoke", key=self._ids[key.api_key])

    def ask(self, part: str, op: str, **fields: object) -> Any:
        """Send one request to the admin socket of `vault` or `gateway`."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ADMIN_WAIT_S)
            connection.connect(str(self.gateway.home / part / "admin.sock"))
            connection.sendall(json.dumps({"op": op, **fields}).encode() + b"\n")
            with connection.makefile("rb") as lines:
                reply = json.loads(lines.readline())
        if "error" in reply:
            raise RuntimeError(f"{op}: {reply['error']}")
        return reply["result"]

    def _credential(self, account: str) -> str:
        """Make the pair in the vault and register its public half at the testnet, once."""
        if account not in self.real_api_keys:
            made = self.ask(
                "vault",
                "credential.generate",
                key_kind="ed25519",
                label=account,
                upstream="local",
                permissions=list(TRADING),
            )
            registered = self.testnet.admin(
                "key.create",
                account=account,
                key_type="ED25519",
                public_key=made["public_key"],
                permissions=list(TRADING),
                ips=[],
            )
            self.ask("vault", "credential.register", id=made["id"], api_key=registered["api_key"])
            self.real_api_keys[account] = registered["api_key"]
        return account


def gateway_before(testnet: TestnetProcess, folder: Path, *options: str) -> GatewayInFront:
    """Start a gateway of its own before a testnet, with a demo vault that opens by itself.

    Args:
        testnet: Running.
        folder: For the gateway's home and log.
        options: More arguments of `watchword gateway serve`.
    """
    home = folder / "gateway-home"
    done = programs.command(
        "vault", "init", "--kek", "key-file", "--key-file", folder / "kek", "--home", home
    )
    assert done.returncode == 0, done.stderr
    return GatewayInFront(
        testnet, GatewayProcess.start(home, ("--unseal", "--local-address", testnet.rest, *options))
    )


def _policy(permissions: Sequence[str]) -> str:
    """Everything the permissions allow, and nothing else narrowed: what is refused then, the exchange refuses."""
    granted = ", ".join(_PERMISSIONS[name] for name in permissions)
    trading = "symbols: any\nsides: any\norder_types: any\n" if "trade" in granted else ""
    return f"version: 1\nname: client\npermissions: [{granted}]\n{trading}"
