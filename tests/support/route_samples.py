"""A body that fits, for every route of the management API that takes one, and what attackers would add to it."""

from collections.abc import Iterator
from typing import Any, Final

from watchword.entrypoints.console.route import Route
from watchword.entrypoints.console.routes.table import ROUTES

_TOTP: Final = {"attempt": {"type": "totp", "code": "000000"}}
_POLICY: Final = "version: 1\n"
_PLACE: Final = {"asset": "BTC", "address": "bc1qexample", "name": "cold"}
_ORDER: Final = {"symbol": "BTCUSDT", "side": "BUY", "kind": "LIMIT", "quantity": "1", "price": "1"}

#: By `operationId`.
BODIES: Final[dict[str, dict[str, Any]]] = {
    "signIn": {"login": "nobody", "password": "not a password of anybody"},
    "showFactor": _TOTP,
    "stepUp": _TOTP,
    "sendCode": {"factor_id": "f-000000000000"},
    "enrol": {"token": "wwe_no", "password": "a long enough passphrase"},
    "changePassword": {"present": "not the present one", "password": "a long enough passphrase"},
    "changeContact": {"mail": "new@example.org", "phone": ""},
    "startContact": {"channel": "mail", "address": "new@example.org"},
    "confirmContact": {"id": "n-000000000000", "code": "000000"},
    "startApp": {"label": "phone"},
    "confirmApp": {"code": "000000"},
    "addKey": {"label": "key", "answer": {"rawId": "AA"}},
    "startAddress": {"channel": "mail", "address": "a@example.org"},
    "confirmAddress": {"code": "000000"},
    "makeToken": {"label": "ci", "scopes": ["self.read"], "expires_us": 1_800_000_900_000_000},
    "invitePerson": {"name": "mia", "mail": "mia@example.org", "role": "trader", "phone": ""},
    "assignRole": {"role": "auditor"},
    "changePersonContact": {"mail": "new@example.org", "phone": ""},
    "ownAccount": {"person": "p-000000000000"},
    "openExchangeAccount": {"name": "desk", "deposits": {"BTC": "1"}},
    "deposit": {"deposits": {"BTC": "1"}},
    "allowAddress": _PLACE,
    "forgetAddress": _PLACE,
    "makeKey": {"account": 1, "key_type": "HMAC", "label": "grid"},
    "changeKey": {"label": "grid"},
    "placeOrder": _ORDER,
    "tryOrder": _ORDER,
    "openFaucet": {"asset": "BTC"},
    "moveClock": {"by": "1d"},
    "addCredential": {"label": "main", "upstream": "local", "api_key": "A" * 64, "secret": "B" * 64},
    "makePair": {"label": "main", "upstream": "local"},
    "registerCredential": {"api_key": "A" * 64},
    "unsealVault": {"passphrase": "not it"},
    "issueVirtualKey": {"label": "grid", "key_type": "HMAC", "credential": "main", "policy": _POLICY},
    "changeVirtualKey": {"label": "grid"},
    "rollVirtualKey": {"overlap": "0s"},
    "lintPolicy": {"text": _POLICY},
    "comparePolicies": {"old": _POLICY, "new": _POLICY},
    "explainRequest": {"policy": _POLICY, "request": "order.place", "parameters": {"symbol": "BTCUSDT"}},
    "decideApproval": {"decision": "confirm", "digest": "0" * 64},
}
#: Of routes whose query has something that must be there.
QUERIES: Final = {
    "watchChanges": "?topics=keys",
    "cancelOrder": "?symbol=BTCUSDT",
    "cancelOpenOrders": "?symbol=BTCUSDT",
}
#: What rows, callers and requests to other processes have, and no body of ours names for itself.
FOREIGN: Final = (
    "role", "id", "person_id", "person", "password", "enrolled_us", "disabled_us", "created_us", "password_us", "scopes",
    "stage", "factor", "factor_us", "digest", "by", "on_behalf", "may_widen", "account_id", "owner", "state", "owns_key",
    "signature", "statement", "is_admin", "__proto__", "constructor", "Role", "ROLE", "role ", "",
)  # fmt: skip
#: Objects whose members are anybody's: what a browser's key says, money by asset, a request's parameters.
FREE_FORM: Final = frozenset({"answer", "deposits", "parameters"})


def route_named(name: str) -> Route:
    """The route with this `operationId`."""
    return next(route for route in ROUTES if route.name == name)


def with_foreign(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body that is this one and one member more, at the top and in every object of ours inside it."""
    for name in FOREIGN:
        if name not in body:
            for value in ("owner", 1, True, None, ["owner"], {"role": "owner"}):
                yield name, {**body, name: value}
    for member, inner in body.items():
        if isinstance(inner, dict) and member not in FREE_FORM:
            for name, changed in with_foreign(inner):
                yield f"{member}.{name}", {**body, member: changed}
