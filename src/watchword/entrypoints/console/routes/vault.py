"""The vault and its real credentials: what is in it, what goes in, sealing and unsealing. No answer here has a secret in it.

A secret somebody adds is encrypted to the vault's public key before it is stored; this process can open nothing.
"""

import asyncio
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.binance.upstreams import Upstream
from watchword.bootstrap import credential_intake as intake
from watchword.bootstrap.vault_view import Listed, listed, store_of
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import KeyKind
from watchword.credentials.permission import Permission
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.console.neighbours import neighbours_of, shaped
from watchword.entrypoints.console.problem import NOT_FOUND, REFUSED, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.reaching import reaches_subject
from watchword.entrypoints.vault import requests as vault
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret
from watchword.vault.checkup import CheckReport
from watchword.vault.outcome import Refused
from watchword.vault.record import RealCredential
from watchword.vault.store import Change

TAG: Final = "vault"
LABEL_LENGTH_MAX: Final = 64
NOTES_LENGTH_MAX: Final = 500
SECRET_LENGTH_MAX: Final = 16_384
SHARES_MAX: Final = 16
PERMISSIONS_MAX: Final = 16


class CredentialView(msgspec.Struct, frozen=True, kw_only=True):
    """A real credential; its secret lies in the vault and nowhere else.

    Attributes:
        upstream: The one exchange it belongs to.
        api_key: Its public name there; empty while it is not registered.
        permissions: What its owner says it may do.
        public_key, fingerprint: Of the public half; empty for HMAC.
        state: `in vault`, `waiting`, or why it was refused.
    """

    id: str
    label: str
    upstream: Upstream
    key_type: KeyType
    api_key: str
    permissions: list[Permission]
    public_key: str
    fingerprint: str
    created_us: int
    notes: str
    state: str


class CredentialList(msgspec.Struct, frozen=True):
    """Credentials within the caller's reach, oldest first."""

    items: list[CredentialView]


class CredentialDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A credential to be put into the vault.

    Attributes:
        api_key: Its public name at the exchange.
        secret: An HMAC secret, or a private key in PEM; goes in and never comes out.
        passphrase: Of an encrypted private key.
    """

    label: Annotated[str, Meta(min_length=1, max_length=LABEL_LENGTH_MAX)]
    upstream: Upstream
    api_key: Annotated[str, Meta(min_length=1, max_length=128)]
    secret: Annotated[str, Meta(min_length=1, max_length=SECRET_LENGTH_MAX)]
    passphrase: Annotated[str, Meta(max_length=1_024)] = ""
    permissions: Annotated[list[Permission], Meta(max_length=PERMISSIONS_MAX)] = []
    notes: Annotated[str, Meta(max_length=NOTES_LENGTH_MAX)] = ""

    def __repr__(self) -> str:
        return f"CredentialDraft({self.label!r})"


class PairDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pair to be made inside the vault; its public half is in the answer, to be registered at the exchange."""

    label: Annotated[str, Meta(min_length=1, max_length=LABEL_LENGTH_MAX)]
    upstream: Upstream
    kind: KeyKind = "ed25519"
    permissions: Annotated[list[Permission], Meta(max_length=PERMISSIONS_MAX)] = []
    notes: Annotated[str, Meta(max_length=NOTES_LENGTH_MAX)] = ""


class Registered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the exchange gave for the public key."""

    api_key: Annotated[str, Meta(min_length=1, max_length=128)]


class Unsealing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What opens the vault: a passphrase, recovery shares, or nothing where its source needs nothing."""

    passphrase: Annotated[str, Meta(max_length=1_024)] = ""
    shares: Annotated[list[Annotated[str, Meta(max_length=512)]], Meta(max_length=SHARES_MAX)] = []

    def __repr__(self) -> str:
        return "Unsealing(…)"


class SealState(msgspec.Struct, frozen=True):
    """How the vault is.

    Attributes:
        sealed: Whether nothing can be opened.
        core_dumps_off, not_dumpable, memory_locked: How its process is protected.
        notes: Why some protection was not achieved.
        kek: Kind of its KEK source; None where there is no vault yet.
        credentials, virtual_keys: How many secrets of each kind.
        waiting: How many wait to be taken in.
    """

    sealed: bool
    core_dumps_off: bool
    not_dumpable: bool
    memory_locked: bool
    notes: list[str]
    kek: str | None = None
    credentials: int = 0
    virtual_keys: int = 0
    waiting: int = 0


async def list_credentials(ask: Ask[None, None]) -> CredentialList:
    """List the credentials within reach."""
    found = await _listed(ask)
    return CredentialList([_view(one) for one in found if reaches_subject(ask, "credential", one.record.id)])


async def show_credential(ask: Ask[None, None]) -> CredentialView | Problem:
    """Show one credential."""
    found = await _credential(ask)
    return found if isinstance(found, Problem) else _view(found)


async def add_credential(ask: Ask[CredentialDraft, None]) -> CredentialView | Problem:
    """Encrypt a credential to the vault; an unsealed vault takes it in at once."""
    draft, folder = ask.body, ask.console.settings.home
    brought = intake.Brought(
        draft.label, draft.upstream, draft.api_key, Secret(draft.secret.encode()), "the secret",
        sorted({*draft.permissions, "READING"}), draft.notes,
    )  # fmt: skip
    passphrase = Secret(draft.passphrase.encode()) if draft.passphrase else None

    def posted() -> str | Problem:
        material = intake.material_of(brought, passphrase)
        if isinstance(material, KeyProblem | Refused):
            return Problem(REFUSED, str(material))
        try:
            prepared = intake.judged(folder, brought, material)
        except ConfigurationError as error:
            return Problem(REFUSED, str(error))
        intake.post(folder, prepared)
        return prepared.record.id

    credential_id = await asyncio.to_thread(posted)
    if isinstance(credential_id, Problem):
        return credential_id
    # Sealed, or no process there: it waits in the inbox, which its state says.
    await neighbours_of(ask.console).ask_vault(vault.TakeInbox(on_behalf=behalf_of(ask)))
    return await _shown(ask, credential_id)


async def make_pair(ask: Ask[PairDraft, None]) -> CredentialView | Problem:
    """Make a pair inside the vault."""
    draft = ask.body
    request = vault.GenerateCredential(
        draft.kind, draft.label, draft.upstream, sorted({*draft.permissions, "READING"}), draft.notes,
        on_behalf=behalf_of(ask),
    )  # fmt: skip
    made = shaped(await neighbours_of(ask.console).ask_vault(request), RealCredential)
    return made if isinstance(made, Problem) else await _shown(ask, made.id)


async def register_credential(ask: Ask[Registered, None]) -> CredentialView | Problem:
    """Write down the API key of a pair that was made in the vault."""
    found = await _credential(ask)
    if isinstance(found, Problem):
        return found
    request = vault.RegisterCredential(found.record.id, ask.body.api_key.strip(), on_behalf=behalf_of(ask))
    done = await neighbours_of(ask.console).ask_vault(request)
    return done if isinstance(done, Problem) else await _shown(ask, found.record.id)


async def check_credential(ask: Ask[None, None]) -> CheckReport | Problem:
    """Ask the credential's exchange what it may do, and compare."""
    found = await _credential(ask)
    if isinstance(found, Problem):
        return found
    request = vault.CheckCredential(found.record.id, on_behalf=behalf_of(ask))
    return shaped(await neighbours_of(ask.console).ask_vault(request), CheckReport)


async def remove_credential(ask: Ask[None, None]) -> Problem | None:
    """Delete a credential and its secret for good."""
    found = await _credential(ask)
    if isinstance(found, Problem):
        return found
    if found.state == "in vault":
        request = vault.RemoveCredential(found.record.id, on_behalf=behalf_of(ask))
        gone = await neighbours_of(ask.console).ask_vault(request)
        if isinstance(gone, Problem):
            return gone
    else:
        taken = Change(taken=[found.record.id])
        await asyncio.to_thread(store_of(ask.console.settings.home).apply, taken)
    ask.console.assignments.forget("credential", found.record.id)
    return None


async def show_vault(ask: Ask[None, None]) -> SealState | Problem:
    """Show how the vault is."""
    return await _state(ask)


async def seal(ask: Ask[None, None]) -> SealState | Problem:
    """Seal the vault: nothing is signed until it is unsealed."""
    done = await neighbours_of(ask.console).ask_vault(vault.Seal(on_behalf=behalf_of(ask)))
    return done if isinstance(done, Problem) else await _state(ask)


async def unseal(ask: Ask[Unsealing, None]) -> SealState | Problem:
    """Unseal the vault."""
    given = ask.body
    passphrase = Secret(given.passphrase.encode()) if given.passphrase else None
    shares = [Secret(share.strip().encode()) for share in given.shares]
    request = vault.Unseal(passphrase, shares, on_behalf=behalf_of(ask))
    done = await neighbours_of(ask.console).ask_vault(request)
    return done if isinstance(done, Problem) else await _state(ask)


async def _state(ask: Ask[Any, Any]) -> SealState | Problem:
    request = vault.ShowStatus(on_behalf=behalf_of(ask))
    found = shaped(await neighbours_of(ask.console).ask_vault(request), vault.StatusAnswer)
    if isinstance(found, Problem):
        return found
    inside = found.vault
    state = SealState(
        sealed=found.sealed, core_dumps_off=found.core_dumps_off, not_dumpable=found.not_dumpable,
        memory_locked=found.memory_locked, notes=list(found.notes),
    )  # fmt: skip
    if inside is None:
        return state
    return msgspec.structs.replace(
        state, kek=inside.kek.kind, credentials=inside.credentials, virtual_keys=inside.virtual_keys,
        waiting=inside.waiting,
    )  # fmt: skip


async def _listed(ask: Ask[Any, Any]) -> list[Listed]:
    store = store_of(ask.console.settings.home)
    return await asyncio.to_thread(lambda: listed(store) if store.exists() else [])


async def _credential(ask: Ask[Any, Any]) -> Listed | Problem:
    """Find the credential a path names by its id, if it is within reach."""
    wanted = ask.path["credential"]
    found = next((one for one in await _listed(ask) if one.record.id == wanted), None)
    if found is None or not reaches_subject(ask, "credential", wanted):
        return Problem(NOT_FOUND, "there is no such credential")
    return found


async def _shown(ask: Ask[Any, Any], credential_id: str) -> CredentialView | Problem:
    found = next((one for one in await _listed(ask) if one.record.id == credential_id), None)
    return Problem(NOT_FOUND, "the credential is gone already") if found is None else _view(found)


def _view(one: Listed) -> CredentialView:
    return msgspec.convert({**msgspec.to_builtins(one.record), "state": one.state}, CredentialView)


def _drafted(ask: Ask[Any, Any]) -> dict[str, str]:
    return {"label": ask.body.label, "upstream": ask.body.upstream}


_CHANGE: Final[dict[str, Any]] = {
    "tag": TAG,
    "action": "credential.write",
    "limit": "write",
    "fresh": "always",
}

ROUTES: Final = (
    Route(
        method="GET", path="/credentials", name="listCredentials", summary="List real credentials.", tag=TAG,
        action="credential.read", handler=list_credentials, answer=CredentialList,
    ),
    Route(
        method="POST", path="/credentials", name="addCredential",
        summary="Put a real key into the vault; its secret never comes out.", handler=add_credential,
        body=CredentialDraft, answer=CredentialView, status=201,
        audit=Audit("credential:added", subject=lambda ask: ask.body.label, values=_drafted), **_CHANGE,
    ),
    Route(
        method="POST", path="/credentials/pairs", name="makePair", summary="Make a key pair inside the vault.",
        handler=make_pair, body=PairDraft, answer=CredentialView, status=201,
        audit=Audit("credential:generated", subject=lambda ask: ask.body.label, values=_drafted), **_CHANGE,
    ),
    Route(
        method="GET", path="/credentials/{credential}", name="showCredential", summary="Show a real credential.",
        tag=TAG, action="credential.read", handler=show_credential, answer=CredentialView,
    ),
    Route(
        method="DELETE", path="/credentials/{credential}", name="removeCredential",
        summary="Delete a credential and its secret for good.", handler=remove_credential, status=204,
        audit=Audit("credential:removed"), **_CHANGE,
    ),
    Route(
        method="PUT", path="/credentials/{credential}/api-key", name="registerCredential",
        summary="Write down the API key the exchange gave for a pair.", handler=register_credential, body=Registered,
        answer=CredentialView, audit=Audit("credential:registered"), **_CHANGE,
    ),
    Route(
        method="GET", path="/credentials/{credential}/check", name="checkCredential",
        summary="Ask the exchange what a credential may do.", tag=TAG, action="credential.read",
        handler=check_credential, answer=CheckReport, limit="heavy",
    ),
    Route(
        method="GET", path="/vault", name="showVault", summary="Show how the vault is.", tag=TAG, action="vault.read",
        handler=show_vault, answer=SealState,
    ),
    Route(
        method="POST", path="/vault/seal", name="sealVault", summary="Seal the vault, at once.", tag=TAG,
        action="vault.seal", handler=seal, answer=SealState, limit="write",
        audit=Audit("vault:sealed", subject=lambda _: "vault"),
    ),
    Route(
        method="POST", path="/vault/unseal", name="unsealVault", summary="Unseal the vault.", tag=TAG,
        action="vault.unseal", handler=unseal, body=Unsealing, answer=SealState, fresh="always", limit="heavy",
        audit=Audit("vault:unsealed", subject=lambda _: "vault"),
    ),
)  # fmt: skip
