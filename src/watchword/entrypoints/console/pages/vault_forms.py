"""What goes into the vault: real keys, pairs made inside, names exchanges gave them, what unseals. Shows no secret again."""

from typing import Any, Final

import msgspec

from watchword.binance.enums import Permission
from watchword.binance.upstreams import UPSTREAMS, Upstream
from watchword.credentials.keypair import KEY_KINDS, KeyKind
from watchword.credentials.permission import PERMISSIONS
from watchword.entrypoints.console.pages.page import Answer, Go, View
from watchword.entrypoints.console.pages.visit import Form, Visit
from watchword.entrypoints.console.pages.wording import field_errors
from watchword.entrypoints.console.problem import CONFLICT, INVALID, REFUSED, Problem
from watchword.entrypoints.console.routes.vault import CredentialView

PATH: Final = "/vault"
EXCHANGES: Final[dict[Upstream, str]] = {
    "live": "Binance",
    "testnet": "Binance Spot Testnet",
    "demo": "Binance Demo",
    "local": "Watchword testnet",
}
KINDS: Final[dict[KeyKind, str]] = {
    "ed25519": "Ed25519 (recommended)",
    "rsa-2048": "RSA 2048",
    "rsa-3072": "RSA 3072",
    "rsa-4096": "RSA 4096",
}
#: Where somebody registers a public key there.
REGISTERED_AT: Final[dict[Upstream, str]] = {
    "live": "https://www.binance.com/en/my/settings/api-management",
    "testnet": "https://testnet.binance.vision",
    "demo": "https://demo.binance.com",
    "local": "/keys/new",
}
_SAID_HERE: Final = frozenset({CONFLICT, INVALID, REFUSED})
_READING: Final[Permission] = "READING"


class Typed(msgspec.Struct, frozen=True):
    """What a form holds, to be shown again beside what is wrong with it; a secret never is."""

    label: str = ""
    upstream: str = "local"
    api_key: str = ""
    kind: str = "ed25519"
    permissions: list[str] = []
    notes: str = ""


async def show_add(visit: Visit) -> Answer:
    """Show the form for a real key; for one of the testnet's, with what the testnet knows of it."""
    typed = Typed(upstream=_upstream(visit.query))
    if "key" in visit.path:
        key = await visit.call("showKey", path=visit.path)
        if isinstance(key, Problem):
            return key
        typed = Typed(
            label=key.label, upstream="local", api_key=key.api_key, permissions=list(key.permissions)
        )
    return _add_view(typed, None)


async def take_add(visit: Visit) -> Answer:
    """Put a real key in."""
    form, typed = visit.form, _typed(visit.form)
    draft = {
        "label": typed.label, "upstream": typed.upstream, "api_key": typed.api_key, "secret": form.text("secret"),
        "passphrase": form.exact("passphrase"), "permissions": [_READING, *typed.permissions], "notes": typed.notes,
    }  # fmt: skip
    added = await visit.call("addCredential", body=draft)
    if not isinstance(added, Problem):
        return Go(f"{PATH}", "credential-added")
    return _add_view(typed, added) if added.kind in _SAID_HERE else added


async def show_pair(visit: Visit) -> Answer:
    """Show the form for a pair to be made inside."""
    return _pair_view(Typed(upstream=_upstream(visit.query)), None)


async def take_pair(visit: Visit) -> Answer:
    """Make a pair inside; its public half is to be registered next."""
    typed = _typed(visit.form)
    draft = {
        "label": typed.label, "upstream": typed.upstream, "kind": typed.kind,
        "permissions": [_READING, *typed.permissions], "notes": typed.notes,
    }  # fmt: skip
    made = await visit.call("makePair", body=draft)
    if isinstance(made, Problem):
        return _pair_view(typed, made) if made.kind in _SAID_HERE else made
    return _credential_view(made, None, is_new=True)


async def show_credential(visit: Visit) -> Answer:
    """Show one credential."""
    found = await visit.call("showCredential", path=visit.path)
    return found if isinstance(found, Problem) else _credential_view(found, None)


async def take_registration(visit: Visit) -> Answer:
    """Take the name an exchange gave a pair."""
    given = {"api_key": visit.form.text("api_key")}
    done = await visit.call("registerCredential", path=visit.path, body=given)
    if not isinstance(done, Problem):
        return Go(PATH, "credential-registered")
    if done.kind not in _SAID_HERE:
        return done
    found = await visit.call("showCredential", path=visit.path)
    return found if isinstance(found, Problem) else _credential_view(found, done)


async def take_unseal(visit: Visit) -> Answer:
    """Unseal the vault."""
    given = {"passphrase": visit.form.exact("passphrase"), "shares": visit.form.entries("shares")}
    state = await visit.call("unsealVault", body=given)
    if not isinstance(state, Problem):
        return Go(PATH, "vault-unsealed")
    if state.kind not in _SAID_HERE:
        return state
    return View("vault_unseal.html", {"problem": state, "errors": field_errors(state)}, state.kind.status)


def _add_view(typed: Typed, problem: Problem | None) -> View:
    return View("vault_add.html", _form_context(typed, problem), _status(problem))


def _pair_view(typed: Typed, problem: Problem | None) -> View:
    context = {**_form_context(typed, problem), "kinds": [(kind, KINDS[kind]) for kind in KEY_KINDS]}
    return View("vault_pair.html", context, _status(problem))


def _credential_view(one: CredentialView, problem: Problem | None, *, is_new: bool = False) -> View:
    context = {
        "one": one, "exchanges": EXCHANGES, "registered_at": REGISTERED_AT[one.upstream], "is_new": is_new,
        "problem": problem, "errors": field_errors(problem),
    }  # fmt: skip
    return View("vault_credential.html", context, _status(problem))


def _form_context(typed: Typed, problem: Problem | None) -> dict[str, Any]:
    return {
        "typed": typed,
        "upstream_options": [(upstream, EXCHANGES[upstream]) for upstream in UPSTREAMS],
        "permissions": PERMISSIONS,
        "problem": problem,
        "errors": field_errors(problem),
    }


def _status(problem: Problem | None) -> int:
    return problem.kind.status if problem is not None else 200


def _upstream(query: Any) -> str:
    found = query.get("upstream", "")
    return found if found in UPSTREAMS else "local"


def _typed(form: Form) -> Typed:
    return Typed(
        label=form.text("label"),
        upstream=form.text("upstream"),
        api_key=form.text("api_key"),
        kind=form.text("kind"),
        permissions=form.every("permissions"),
        notes=form.text("notes"),
    )
