"""A home in which a desk has worked for three weeks: people, keys, policies, bots, orders, approvals, trails."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.screenshots.past import HOUR_US, READ, TRADE, live_through
from tests.support.bot import Bot
from tests.support.console_process import PASSWORD, Member
from tests.support.gateway_process import TRADER_POLICY, VirtualKey
from tests.support.managed_home import ManagedHome

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.testnet_process import TestnetKey

RECIPES: Final = Path(__file__).resolve().parents[2] / "docs" / "recipes" / "policies"
#: Requests of each bot that writes the trail full; every one leaves two rows.
REQUESTS_OF_A_BOT: Final = 280
BUSY_BOTS: Final = 4
ASKED_S_MAX: Final = 60.0
DEVICES: Final = {
    "firefox": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "phone": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1",
    "windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
}  # fmt: skip
LONG_NAME: Final = "maximiliane-von-hohenstein-zeil"
ASKING: Final = """\
version: 1
name: large orders ask
permissions: [read, trade]
symbols: any
sides: any
order_types: any
require_approval:
  - {name: large orders, notional_above: {USDT: 200}, mode: refuse, approvers: [olga, ada], not_by_key_owner: true, time_limit: 60m}
"""
WITH_ERRORS: Final = """\
version: 1
name: grid-bot
permissions: [read, trade]
symbols: [BTCUSDT, ethusdt]
max_order: {USDT: a lot}
order_typs: [LIMIT]
"""


class FullHome(ManagedHome):
    """See the module.

    Attributes:
        at: Value of each parameter of a path, by the path's first part and the parameter's name.
        typed: What steps type, by name.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "home").mkdir()
        self._old_keys: dict[str, TestnetKey] = live_through(folder / "home")
        super().__init__(folder, liquidity=True)
        self.at: dict[tuple[str, str], str] = {}
        self.typed: dict[str, str] = {
            "errors": WITH_ERRORS,
            "trader": TRADER_POLICY,
            "password": PASSWORD,
            "nokey": "K" * 64,
        }
        self._recovery: list[str] = []
        self._members: dict[str, Member] = {}
        self._waiting: list[str] = []
        self._other_session = self._token = ""

    def furnish(self) -> None:
        """Fill it."""
        self._recovery = list(self.done("POST", "/self/recovery-codes")["codes"])
        accounts = {one["account"]: one["account_id"] for one in self.done("GET", "/accounts")["items"]}
        self._people(accounts)
        self._own_things()
        credential = self._credentials(accounts)
        grid, asking = self._virtual_keys(credential)
        self._bots(credential)
        self._approvals(asking)
        self._places(accounts, credential, grid)
        self._trading(accounts["desk"])

    def sessions(self) -> dict[str, str]:
        """Fresh sessions of everybody one looks as; and those that are not in."""
        half = self.console.call("POST", "/sign-in", "", {"login": "uma", "password": PASSWORD})
        ended = self.another_session("windows")
        self.console.call("POST", "/sign-out", ended)
        self.owner.token = self.another_session("firefox")
        return {
            "olga": self.owner.token, "tom": self._members["tom"].token, "uma": self._members["uma"].token,
            "half": half.json["token"], "ended": ended,
        }  # fmt: skip

    def renew(self) -> str:
        """Show the owner's factor again; returns the token after it."""
        return self.owner.step_up().token

    def another_session(self, device: str) -> str:
        """Sign the owner in once more, with a recovery code: an app's code would have to be waited for."""
        headers = {"user-agent": DEVICES[device]}
        body: dict[str, Any] = {"login": self.owner.name, "password": PASSWORD}
        first = self.console.call("POST", "/sign-in", "", body, headers)
        assert first.status == 200, first.body
        body = {"attempt": {"type": "recovery", "code": self._recovery.pop()}}
        shown = self.console.call("POST", "/sign-in/factor", first.json["token"], body, headers)
        assert shown.status == 200, shown.body
        return str(shown.json["token"])

    def seal(self) -> None:
        """Seal the vault, and leave a key at its door."""
        self.done("POST", "/vault/seal")
        old = self._old_keys["python-binance"]
        entry = {"label": "waits outside", "upstream": "local", "api_key": old.api_key, "secret": old.secret}
        self.done("POST", "/credentials", entry)

    def stop_gateway(self) -> None:
        """Stop it, as Ctrl-C does."""
        self._stop(self.gateway)

    def stop_testnet(self) -> None:
        """Stop it, as Ctrl-C does."""
        self._stop(self.testnet)

    def stop_what_runs(self) -> None:
        """Stop the rest."""
        for process in reversed(list(self._started)):
            self._stop(process)

    def _stop(self, process: Any) -> None:
        if process in self._started:
            self._started.remove(process)
            process.stop()

    def _people(self, accounts: dict[str, int]) -> None:
        for name, role in (("tom", "trader"), ("uma", "auditor"), ("ada", "admin"), ("boris", "trader")):
            self._members[name] = self.person(name, role)
        self.done("POST", f"/people/{self.id_of(self._members['boris'])}/disable")
        for name, role in ((LONG_NAME, "trader"), ("carol", "auditor")):
            invited = {"name": name, "mail": f"{name}@treasury.example.org", "role": role}
            made = self.done("POST", "/people", invited)
            self.typed[f"enrolment of {name}"] = made["enrolment"]
        tom = self.id_of(self._members["tom"])
        self.done("PUT", f"/accounts/{accounts['research']}/owner", {"person": tom})
        for device in ("phone", "windows"):
            self.another_session(device)
        for device in ("phone", "windows"):
            body = {"login": self.owner.name, "password": "not this one"}
            self.console.call("POST", "/sign-in", "", body, {"user-agent": DEVICES[device]})

    def _own_things(self) -> None:
        """What is the owner's own: tokens, a phone number, sessions elsewhere."""
        month_us = time.time_ns() // 1000 + 30 * 24 * HOUR_US
        for label, scopes in (
            ("nightly export", ["account.read", "audit.read"]),
            ("status board", ["self.read", "key.read", "virtual.read", "approval.read", "policy.read"]),
        ):
            made = self.done(
                "POST", "/self/tokens", {"label": label, "scopes": scopes, "expires_us": month_us}
            )
            self._token = made["about"]["id"]
        self.done("PUT", "/self/contact", {"mail": "olga@example.org", "phone": "+4930901820"})
        own = self.done("GET", "/self/sessions")["items"]
        self._other_session = next(one["id"] for one in own if not one["current"])

    def _credentials(self, accounts: dict[str, int]) -> str:
        """Three that work, one that the exchange refuses, one that is not registered yet."""
        main = self.real_key(accounts["desk"], "main")
        shared = self.real_key(accounts["treasury"], "treasury of the family office, shared with accounting")
        for credential, change in (
            (main, {"label": "in the vault: main", "ips": ["127.0.0.1"]}),
            (shared, {"label": "in the vault: treasury"}),
        ):
            api_key = self.done("GET", f"/credentials/{credential}")["api_key"]
            self.done("PATCH", f"/keys/{api_key}", change)
        for label in ("freqtrade (laptop)", "signal study β"):
            old = self._old_keys[label]
            entry = {
                "label": f"imported: {label}",
                "upstream": "local",
                "api_key": old.api_key,
                "secret": old.secret,
            }
            self.done(
                "POST",
                "/credentials",
                {**entry, "permissions": [READ, TRADE], "notes": "moved in from a config file"},
            )
        self.done(
            "POST",
            "/credentials/pairs",
            {"label": "next quarter", "upstream": "local", "permissions": [READ, TRADE]},
        )
        return main

    def _virtual_keys(self, credential: str) -> tuple[VirtualKey, VirtualKey]:
        grid_policy = (RECIPES / "grid-bot.yaml").read_text(encoding="utf-8")
        grid = self.virtual_key(credential, "grid bot", grid_policy)
        asking = self.virtual_key(credential, "arbitrage bot", ASKING)
        drafts: tuple[tuple[str, dict[str, Any]], ...] = (
            ("market maker, Frankfurt", {"ips": ["203.0.113.7", "203.0.113.8"], "expires": "90d"}),
            ("rebalancer", {"ips": ["127.0.0.0/8"], "expires": "5h", "policy": grid_policy}),
            ("the grid bot of the intern on the third floor, until August", {"expires": "2d", "policy": grid_policy}),
            ("trial", {}),
        )  # fmt: skip
        made = {}
        for label, more in drafts:
            draft = {
                "label": label,
                "key_type": "HMAC",
                "credential": credential,
                "policy": TRADER_POLICY,
                **more,
            }
            made[label] = self.done("POST", "/virtual-keys", draft)["key"]["id"]
        child = {
            "label": "grid bot, read only",
            "key_type": "HMAC",
            "parent": grid.id,
            "ips": ["203.0.113.7"],
        }
        self.done("POST", "/virtual-keys", child)
        self.done(
            "PATCH", f"/virtual-keys/{grid.id}", {"ips": ["127.0.0.1", "203.0.113.7"], "expires": "60d"}
        )
        self.done("POST", f"/virtual-keys/{made['rebalancer']}/roll", {"overlap": "4h"})
        self.done("POST", f"/virtual-keys/{made['trial']}/revoke")
        tom = self.id_of(self._members["tom"])
        for kind, subject in (
            ("virtual", grid.id),
            ("virtual", made["rebalancer"]),
            ("credential", credential),
        ):
            self.done("PUT", f"/people/{tom}/assignments/{kind}/{subject}")
        return grid, asking

    def _bots(self, credential: str) -> None:
        """Let bots write the trail full, with what is allowed and with what is not; and use some keys of the testnet."""
        busy = [self.virtual_key(credential, f"momentum {number}") for number in range(1, BUSY_BOTS + 1)]
        with ThreadPoolExecutor(BUSY_BOTS) as pool:
            list(pool.map(self._work, busy))
        for label in ("freqtrade (laptop)", "python-binance", "ccxt rebalancer", "alerts"):
            Bot(self.testnet.rest, self._old_keys[label]).ask("GET", "/api/v3/account")

    def _work(self, key: VirtualKey) -> None:
        bot = self.bot(key)
        turns: tuple[Callable[[], Any], ...] = (
            lambda: bot.ask("GET", "/api/v3/account"),
            lambda: bot.ask("GET", "/api/v3/openOrders", symbol="BTCUSDT"),
            lambda: bot.place(quantity="0.001"),
            lambda: bot.ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT"),
            lambda: bot.place(symbol="ETHUSDT", quantity="0.01", price="1500"),
            lambda: bot.ask("DELETE", "/api/v3/openOrders", symbol="ETHUSDT"),
            lambda: bot.ask("POST", "/sapi/v1/capital/withdraw/apply", coin="USDT", amount="10", address="x"),
        )
        for number in range(REQUESTS_OF_A_BOT):
            turns[number % len(turns)]()

    def _approvals(self, asking: VirtualKey) -> None:
        bot = self.bot(asking)
        wanted = (
            ("0.02", "30000"),
            ("0.05", "31000"),
            ("0.01", "64000"),
            ("0.5", "29500"),
            ("0.03", "30500"),
        )
        for number, (quantity, price) in enumerate(wanted, 1):
            deadline = time.monotonic() + ASKED_S_MAX
            # On a busy machine the gateway may mistrust a clock for a moment, and then asks nobody.
            while len(self.done("GET", "/approvals")["items"]) < number:
                if time.monotonic() > deadline:
                    raise RuntimeError("a large order asks nobody")
                bot.place(quantity=quantity, price=price)
        self.owner.step_up()
        found = self.done("GET", "/approvals")["items"]
        for one, decision in zip(found, ("confirm", "refuse", "confirm"), strict=False):
            body = {"decision": decision, "digest": one["digest"]}
            self.done("POST", f"/approvals/{one['id']}/decision", body)
            if decision == "confirm" and one is found[0]:
                parameters = one["parameters"]
                bot.place(quantity=parameters["quantity"], price=parameters["price"])
        self._waiting = [one["id"] for one in found[3:]]

    def _places(self, accounts: dict[str, int], credential: str, grid: VirtualKey) -> None:
        """Note where pages with parameters are."""
        tom = self.id_of(self._members["tom"])
        sessions = self.done("GET", f"/people/{tom}/sessions")["items"]
        rows = self.done("GET", "/audit?kind=signature:intended&limit=1")["items"]
        keys = self.done("GET", "/keys?query=grid%20bot")["items"]
        factor = self.done("GET", "/self/factors")["items"][0]
        self.at |= {
            ("keys", "key"): keys[0]["api_key"], ("keys", "account"): str(accounts["desk"]),
            ("vault", "credential"): credential, ("virtual-keys", "key"): grid.id, ("policies", "key"): grid.id,
            ("approvals", "approval"): self._waiting[0], ("audit", "trail"): rows[0]["trail"],
            ("audit", "row"): str(rows[0]["row"]), ("people", "person"): tom, ("people", "session"): sessions[0]["id"],
            ("people", "kind"): "virtual", ("people", "subject"): grid.id, ("security", "factor"): factor["id"],
            ("security", "session"): self._other_session, ("security", "token"): self._token, ("security", "which"): "phone",
        }  # fmt: skip
        people = {one["name"]: one["id"] for one in self.done("GET", "/people")["items"]}
        credentials = {one["label"]: one["id"] for one in self.done("GET", "/credentials")["items"]}
        self.typed |= {
            "boris": people["boris"], "long": people[LONG_NAME], "virtual": grid.id, "desk": str(accounts["desk"]), "research": str(accounts["research"]),
            "unregistered": credentials["next quarter"], "unhealthy": credentials["imported: signal study β"],
        }  # fmt: skip

    def _trading(self, account: int) -> None:
        """What is placed now: orders that stand around the market, and some that were filled at it."""
        for side, factor in (("BUY", 0.985), ("BUY", 0.96), ("BUY", 0.93), ("SELL", 1.02), ("SELL", 1.05)):
            for symbol, quantity in (("BTCUSDT", "0.01"), ("ETHUSDT", "0.15")):
                last = next(
                    one for one in self.done("GET", "/market/symbols")["items"] if one["symbol"] == symbol
                )
                price = f"{float(last['last']) * factor:.2f}"
                order = {"symbol": symbol, "side": side, "quantity": quantity, "price": price}
                self.done("POST", f"/accounts/{account}/orders", order)
        for side in ("BUY", "SELL"):
            order = {"symbol": "BTCUSDT", "side": side, "kind": "MARKET", "quantity": "0.004"}
            self.done("POST", f"/accounts/{account}/orders", order)
