"""Virtual keys of the gateway: issued, changed, rolled, revoked. What they may do is the gateway's and the policy's to say.

Nobody here holds a real secret. The secret of an HMAC virtual key is in the answer to issuing or rolling it, and nowhere
else. Issuing, rolling and changing ask for a fresh factor; revoking never does, because it only takes away.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.accounts.roles import ALL
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.console.neighbours import hidden, neighbours_of, shaped
from watchword.entrypoints.console.problem import NOT_FOUND, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.console.routes.paging import PAGE_ROWS, PAGE_ROWS_MAX
from watchword.entrypoints.console.routes.reaching import reaches_subject
from watchword.entrypoints.gateway.admin import requests as gateway
from watchword.entrypoints.gateway.status import GatewayView

TAG: Final = "virtual keys"
LABEL_LENGTH_MAX: Final = 64
REFERENCE_LENGTH_MAX: Final = 64
PEM_LENGTH_MAX: Final = 4_096
POLICY_LENGTH_MAX: Final = 32_768
IPS_MAX: Final = 30
SPAN_LENGTH_MAX: Final = 40
CURSOR_LENGTH_MAX: Final = 512
BUDGET_MAX: Final = 1_000_000

Ips = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=IPS_MAX)]
Span = Annotated[str, Meta(max_length=SPAN_LENGTH_MAX)]
PolicyText = Annotated[str, Meta(max_length=POLICY_LENGTH_MAX)]
Budget = Annotated[int, Meta(ge=0, le=BUDGET_MAX)]


class VirtualKeyPage(msgspec.Struct, frozen=True):
    """Virtual keys; `next` is None on the last page.

    Attributes:
        total: Of all pages.
    """

    items: list[gateway.KeyView]
    next: str | None
    total: int


class VirtualKeyMade(msgspec.Struct, frozen=True):
    """A new version of a virtual key.

    Attributes:
        api_key: The new version's.
        secret_key: Of an HMAC key, here and never again; empty for others.
    """

    key: gateway.KeyView
    api_key: str
    secret_key: str = ""

    def __repr__(self) -> str:
        return f"VirtualKeyMade({self.key.id})"


class VirtualKeysRevoked(msgspec.Struct, frozen=True):
    """Keys that were revoked, the named one first and its descendants after it."""

    items: list[gateway.KeyView]


class VirtualKeyDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A virtual key to be issued.

    Attributes:
        label: What its owner calls it; unique among keys in use.
        key_type: `ED25519` and `RSA` need the public half; of an `HMAC` key the secret is shown once.
        credential: The real credential, by id or label; empty for the parent's.
        policy: Text of the policy file; empty for the parent's.
        ips: Addresses and ranges; None for the parent's, or any.
        expires: A date and time with zone, a date, or a span such as `30d`; None for the parent's, empty for never.
        parent: Id of the key it is narrowed from; empty for none.
    """

    label: Annotated[str, Meta(min_length=1, max_length=LABEL_LENGTH_MAX)]
    key_type: KeyType
    public_key: Annotated[str, Meta(max_length=PEM_LENGTH_MAX)] = ""
    credential: Annotated[str, Meta(max_length=REFERENCE_LENGTH_MAX)] = ""
    policy: PolicyText = ""
    ips: Ips | None = None
    expires: Span | None = None
    parent: Annotated[str, Meta(max_length=REFERENCE_LENGTH_MAX)] = ""
    own_orders_only: bool | None = None
    weight_per_minute_max: Budget | None = None
    orders_per_10s_max: Budget | None = None


class VirtualKeyChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes; what is left out stays, an empty list or text clears."""

    label: Annotated[str, Meta(min_length=1, max_length=LABEL_LENGTH_MAX)] | None = None
    policy: PolicyText | None = None
    ips: Ips | None = None
    expires: Span | None = None
    own_orders_only: bool | None = None
    weight_per_minute_max: Budget | None = None
    orders_per_10s_max: Budget | None = None


class Roll(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new version of a key.

    Attributes:
        overlap: How long the old ones still work: a span such as `1h`; `0s` ends them at once.
        key_type: Of the new version; None for that of the newest.
        public_key: PEM, for RSA and ED25519.
    """

    overlap: Annotated[str, Meta(min_length=2, max_length=SPAN_LENGTH_MAX)]
    key_type: KeyType | None = None
    public_key: Annotated[str, Meta(max_length=PEM_LENGTH_MAX)] = ""


class VirtualKeyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which keys, in which order, and which part of the list."""

    revoked: Annotated[bool, Meta(description="Those that are revoked as well.")] = False
    query: Annotated[
        str, Meta(max_length=128, description="In label, credential or policy; or the id begins so.")
    ] = ""
    state: Annotated[gateway.KeyState | None, Meta(description="Only in this state.")] = None
    key_type: Annotated[KeyType | None, Meta(description="Only of this type.")] = None
    credential: Annotated[
        str, Meta(max_length=REFERENCE_LENGTH_MAX, description="Only of this credential.")
    ] = ""
    sort: Annotated[Literal["created", "label", "last_used", "expires"], Meta(description="By what.")] = (
        "created"
    )
    descending: Annotated[bool, Meta(description="The other way round.")] = False
    limit: Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows at most.")] = PAGE_ROWS
    after: Annotated[str, Meta(max_length=CURSOR_LENGTH_MAX, description="`next` of the page before.")] = ""


async def list_virtual_keys(ask: Ask[None, VirtualKeyQuery]) -> VirtualKeyPage | Problem:
    """List the virtual keys within reach."""
    query = ask.query
    within = None if ask.reach == ALL else ask.console.assignments.subjects_of(ask.person.id, "virtual")
    request = gateway.ListKeys(
        revoked=query.revoked, query=query.query, state=query.state, key_type=query.key_type,
        credential=query.credential, ids=within, sort=query.sort, descending=query.descending, limit=query.limit,
        cursor=query.after, on_behalf=behalf_of(ask),
    )  # fmt: skip
    found = shaped(await neighbours_of(ask.console).ask_gateway(request), gateway.ListAnswer)
    if isinstance(found, Problem):
        return found
    return VirtualKeyPage(found.keys, found.next or None, found.total or 0)


async def show_virtual_key(ask: Ask[None, None]) -> gateway.KeyView | Problem:
    """Show one key, with its policy and what it used up today."""
    return await _key(ask)


async def issue_virtual_key(ask: Ask[VirtualKeyDraft, None]) -> VirtualKeyMade | Problem:
    """Issue a key."""
    draft = msgspec.structs.asdict(ask.body)
    made = await neighbours_of(ask.console).ask_gateway(gateway.IssueKey(**draft, on_behalf=behalf_of(ask)))
    return shaped(made, VirtualKeyMade)


async def change_virtual_key(ask: Ask[VirtualKeyChange, None]) -> gateway.KeyView | Problem:
    """Change a key."""
    key = await _key(ask)
    if isinstance(key, Problem):
        return key
    change = msgspec.structs.asdict(ask.body)
    request = gateway.EditKey(key=key.id, **change, on_behalf=behalf_of(ask))
    return shaped(await neighbours_of(ask.console).ask_gateway(request), gateway.KeyView)


async def roll_virtual_key(ask: Ask[Roll, None]) -> VirtualKeyMade | Problem:
    """Give a key a new version; the old ones end."""
    key = await _key(ask)
    if isinstance(key, Problem):
        return key
    roll = ask.body
    request = gateway.RollKey(
        key=key.id, overlap=roll.overlap, key_type=roll.key_type, public_key=roll.public_key,
        on_behalf=behalf_of(ask),
    )  # fmt: skip
    return shaped(await neighbours_of(ask.console).ask_gateway(request), VirtualKeyMade)


async def revoke_virtual_key(ask: Ask[None, None]) -> VirtualKeysRevoked | Problem:
    """Revoke a key for good, and all that descend from it."""
    key = await _key(ask)
    if isinstance(key, Problem):
        return key
    request = gateway.RevokeKey(key.id, on_behalf=behalf_of(ask))
    found = shaped(await neighbours_of(ask.console).ask_gateway(request), gateway.RevokedAnswer)
    return found if isinstance(found, Problem) else VirtualKeysRevoked(found.keys)


async def show_gateway(ask: Ask[None, None]) -> GatewayView | Problem:
    """Show how the gateway is."""
    request = gateway.ShowGateway(on_behalf=behalf_of(ask))
    return shaped(await neighbours_of(ask.console).ask_gateway(request), GatewayView)


async def _key(ask: Ask[Any, Any]) -> gateway.KeyView | Problem:
    """Find the key a path names by its id, if it is within reach."""
    reference = ask.path["key"]
    missing = Problem(NOT_FOUND, "there is no such virtual key; name it by its id")
    if not reaches_subject(ask, "virtual", reference):
        return missing
    request = gateway.ShowKey(reference, on_behalf=behalf_of(ask))
    found = hidden(shaped(await neighbours_of(ask.console).ask_gateway(request), gateway.KeyView), missing)
    if isinstance(found, Problem):
        return found
    # A label or an API key finds it as well, which would go round what is assigned.
    return found if found.id == reference else missing


def _drafted(ask: Ask[Any, Any]) -> dict[str, str]:
    """Say what was asked for, without the policy's text and the key's."""
    fields = msgspec.structs.asdict(ask.body)
    return {
        name: ", ".join(value) if isinstance(value, list) else str(value)
        for name, value in fields.items()
        if value is not None and value != "" and name not in {"policy", "public_key"}
    }


_CHANGE: Final[dict[str, Any]] = {"tag": TAG, "action": "virtual.write", "limit": "write", "fresh": "always"}

ROUTES: Final = (
    Route(
        method="GET", path="/virtual-keys", name="listVirtualKeys", summary="List and search virtual keys.", tag=TAG,
        action="virtual.read", handler=list_virtual_keys, query=VirtualKeyQuery, answer=VirtualKeyPage,
    ),
    Route(
        method="POST", path="/virtual-keys", name="issueVirtualKey",
        summary="Issue a virtual key; an HMAC secret is shown once.", handler=issue_virtual_key, body=VirtualKeyDraft,
        answer=VirtualKeyMade, status=201,
        audit=Audit("virtual:issued", subject=lambda ask: ask.body.label, values=_drafted), **_CHANGE,
    ),
    Route(
        method="GET", path="/virtual-keys/{key}", name="showVirtualKey", summary="Show a virtual key.", tag=TAG,
        action="virtual.read", handler=show_virtual_key, answer=gateway.KeyView,
    ),
    Route(
        method="PATCH", path="/virtual-keys/{key}", name="changeVirtualKey", summary="Change a virtual key.",
        handler=change_virtual_key, body=VirtualKeyChange, answer=gateway.KeyView,
        audit=Audit("virtual:edited", values=_drafted), **_CHANGE,
    ),
    Route(
        method="POST", path="/virtual-keys/{key}/roll", name="rollVirtualKey",
        summary="Give a virtual key a new version.", handler=roll_virtual_key, body=Roll, answer=VirtualKeyMade,
        audit=Audit("virtual:rolled", values=_drafted), **_CHANGE,
    ),
    Route(
        method="POST", path="/virtual-keys/{key}/revoke", name="revokeVirtualKey",
        summary="Revoke a virtual key for good, and all that descend from it.", tag=TAG, action="virtual.use",
        handler=revoke_virtual_key, answer=VirtualKeysRevoked, limit="write", audit=Audit("virtual:revoked"),
    ),
    Route(
        method="GET", path="/gateway", name="showGateway", summary="Show how the gateway is.", tag="gateway",
        action="settings.read", handler=show_gateway, answer=GatewayView,
    ),
)  # fmt: skip
