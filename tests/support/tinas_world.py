"""Neighbours and a console in which one of everything is Tina's, and somebody else reaches for it."""

import re
from pathlib import Path
from typing import Any

import pytest
from tests.support.console_people import PeopleConsole
from tests.support.route_samples import BODIES, QUERIES

from watchword.accounts.model import ApiToken, Session, TotpFactor
from watchword.bootstrap.vault_view import Listed
from watchword.config import ConsoleSettings
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.neighbours import Neighbours
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.routes import vault as vault_routes
from watchword.entrypoints.gateway.admin import approval_requests as approvals
from watchword.entrypoints.gateway.admin import requests as gateway
from watchword.entrypoints.testnet.admin import requests as testnet
from watchword.vault.record import RealCredential

TINAS_ACCOUNT = 7
TINAS_KEY = "K" * 64
TINAS_VIRTUAL, TINAS_CREDENTIAL, TINAS_APPROVAL = "vk-tinas", "cred-tinas", "ap-tinas"
#: What nobody looks at here.
_NOTHING: dict[str, Any] = {
    "label": "",
    "permissions": [],
    "ips": [],
    "created": None,
    "expires": None,
    "last_used": None,
}


class Tinas:
    """Neighbours that have one thing of each kind, all of it Tina's, and note what they are asked."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def ask_testnet(self, request: Any) -> Any:
        self.asked.append(request)
        key = {
            **_NOTHING, "api_key": TINAS_KEY, "account": "tinas", "account_id": TINAS_ACCOUNT, "key_type": "HMAC",
            "symbols": [],
        }  # fmt: skip
        match request:
            case testnet.ShowKey():
                return (
                    key
                    if request.api_key == TINAS_KEY
                    else Problem(told.NOT_FOUND, "there is no such key here")
                )
            case testnet.ListKeys():
                mine = request.account_ids is None or TINAS_ACCOUNT in request.account_ids
                return {"keys": [key] if mine else [], "next": None, "total": int(mine)}
            case testnet.ListAccounts():
                return [{"account": "tinas", "account_id": TINAS_ACCOUNT, "created": None, "balances": {}}]
            case testnet.FindAccounts():
                mine = request.account_ids is None or TINAS_ACCOUNT in request.account_ids
                account = {"account": "tinas", "account_id": TINAS_ACCOUNT, "created": None, "balances": {}}
                return {"accounts": [account] if mine else [], "total": int(mine)}
            case testnet.ListKeyEvents():
                words = dict.fromkeys(("kind", "fate", "account", "api_key", "label", "text"), "tinas")
                return [{**words, "at": None, "due": None, "days_left": 1, "account_id": TINAS_ACCOUNT}]
        return Problem(told.REFUSED, "a change")

    async def ask_gateway(self, request: Any) -> Any:
        self.asked.append(request)
        match request:
            case gateway.ShowKey():
                return self._virtual() if request.key == TINAS_VIRTUAL else Problem(told.NOT_FOUND, "no key")
            case gateway.ListKeys():
                mine = request.ids is None or TINAS_VIRTUAL in request.ids
                return {"keys": [self._virtual()] if mine else [], "next": "", "total": int(mine)}
            case gateway.ListPolicies():
                mine = request.ids is None or TINAS_VIRTUAL in request.ids
                names = [{"id": TINAS_VIRTUAL, "label": "tinas"}]
                policy = {"name": "tinas", "sha256": "ab" * 32, "keys": names, "count": 1}
                return {"policies": [policy] if mine else [], "total": int(mine), "next": ""}
            case approvals.ShowApproval():
                return (
                    self._approval()
                    if request.id == TINAS_APPROVAL
                    else Problem(told.NOT_FOUND, "no approval")
                )
            case approvals.ListApprovals():
                mine = request.person in {"", "tina"}
                return {"approvals": [self._approval()] if mine else [], "now_us": 1, "approver": ""}
        return Problem(told.REFUSED, "a change")

    async def ask_vault(self, request: Any) -> Any:
        self.asked.append(request)
        return Problem(told.REFUSED, "a change")

    def changes(self) -> list[Any]:
        """What was asked beyond looking."""
        looks = re.compile(r"(Show|List|Find)")
        return [one for one in self.asked if not looks.match(type(one).__name__)]

    def _virtual(self) -> dict[str, Any]:
        words = dict.fromkeys(
            ("label", "state", "ends_in", "credential", "credential_label", "upstream", "policy", "policy_sha256", "parent",
             "created", "last_ip"), "tinas",
        )  # fmt: skip
        rest = {
            "ips": [],
            "children": [],
            "versions": [],
            "own_orders_only": False,
            "weight_per_minute_max": 0,
        }
        none = dict.fromkeys(("expires", "effective_expires", "revoked", "last_used"))
        return {**words, **rest, **none, "orders_per_10s_max": 0, "id": TINAS_VIRTUAL}

    def _approval(self) -> dict[str, Any]:
        words = dict.fromkeys(
            ("digest", "key", "key_label", "operation", "place", "ip", "reason", "asked", "expires"), "x"
        )
        demand = {"rule": "r", "when": "", "approvers": ["tina"], "not_by_key_owner": True, "met_by": ""}
        rest = {"parameters": {}, "values": {}, "asked_us": 1, "expires_us": 2, "ended": None}
        return {
            **words,
            **rest,
            "id": TINAS_APPROVAL,
            "state": "waiting",
            "mode": "hold",
            "demands": [demand],
        }


class World:
    """Tina, with everything; and somebody who reaches for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
        self.console = PeopleConsole()
        self.console.settings = ConsoleSettings(home=home)  # type: ignore[attr-defined]
        self.neighbours = Tinas()
        self.console.at_hand = {Neighbours: self.neighbours}  # type: ignore[attr-defined]
        self.tina = self.console.person("tina", "trader")
        now_us = self.console.clock.us
        self.console.session_of("tina", "trader")
        self.session = self.console.register.of_person(Session, self.tina.id)[0]
        self.factor = self.console.register.of_person(TotpFactor, self.tina.id)[0]
        self.console.tokens.issue(self.tina, "ci", {"self.read"}, now_us + 1_000_000, now_us)
        self.token = self.console.register.of_person(ApiToken, self.tina.id)[0]
        given = self.console.assignments
        given.assign(self.tina.id, "virtual", TINAS_VIRTUAL, "p-olga", now_us)
        given.assign(self.tina.id, "credential", TINAS_CREDENTIAL, "p-olga", now_us)
        given.own(TINAS_ACCOUNT, self.tina.id, "p-olga", now_us)
        monkeypatch.setattr(vault_routes, "_listed", self._listed)

    def tinas(self) -> dict[str, str]:
        """Every path parameter, with what is Tina's."""
        return {
            "person": self.tina.id, "session": self.session.id, "token": self.token.id, "factor": self.factor.id,
            "account": str(TINAS_ACCOUNT), "credential": TINAS_CREDENTIAL, "approval": TINAS_APPROVAL, "kind": "virtual",
            "subject": TINAS_VIRTUAL, "order": "1", "trail": "console", "row": "1",
        }  # fmt: skip

    async def call(self, route: Any, token: str, changed: dict[str, str] | None = None) -> Any:
        known = {
            **self.tinas(),
            "key": TINAS_VIRTUAL if "virtual" in route.path else TINAS_KEY,
            **(changed or {}),
        }
        path = route.path.format(**known) + QUERIES.get(route.name, "")
        return await self.console.call(route.method, path, token, BODIES.get(route.name))

    async def _listed(self, _: Any) -> list[Any]:
        record = RealCredential(id=TINAS_CREDENTIAL, label="tinas", upstream="local", key_type="HMAC")
        return [Listed(record, "in vault")]
