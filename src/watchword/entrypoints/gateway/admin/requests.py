"""What can be asked about virtual keys and approvals, and what is answered: frozen structs, read strictly from JSON.

A request is one JSON object with `op`. The only answer with a secret in it is that to issuing or rolling an HMAC key,
which is where that secret is shown, once. Never does anything itself.
"""

from typing import Any, Final, Literal

import msgspec

from watchword.credentials.verifier import KeyType
from watchword.entrypoints.gateway.admin.approval_requests import AnyApprovalAnswer, AnyApprovalRequest
from watchword.entrypoints.gateway.admin.base import Request
from watchword.entrypoints.gateway.admin.change_requests import ChangesAnswer, ShowChanges
from watchword.entrypoints.gateway.status import GatewayView
from watchword.entrypoints.sockets.paging import Limit
from watchword.vault.outcome import NotFound, Refused, Sealed

#: A policy of POLICY_BYTES_MAX, escaped, and the rest.
REQUEST_BYTES_MAX: Final = 1 << 20

KeyState = Literal["works", "expired", "revoked", "parent revoked", "faulty"]
KeyOrder = Literal["created", "label", "last_used", "expires"]


class IssueKey(Request, frozen=True, kw_only=True, tag="key.issue"):
    """Make a virtual key.

    Attributes:
        label: What its owner calls it.
        key_type: Which signatures it makes.
        public_key: PEM, for RSA and ED25519.
        credential: The real credential, by label, id, or a beginning of the id; empty for the parent's.
        policy: Text of the policy file; empty for the parent's.
        ips: Addresses and ranges; None for the parent's, or any.
        expires: A date and time with zone, a date, or a span such as `30d`; None for the parent's, empty for never.
        parent: The key it is narrowed from, named as in `ShowKey`; empty for none.
        own_orders_only, weight_per_minute_max, orders_per_10s_max: See `VirtualKey`; None for the parent's.
    """

    label: str
    key_type: KeyType
    public_key: str = ""
    credential: str = ""
    policy: str = ""
    ips: list[str] | None = None
    expires: str | None = None
    parent: str = ""
    own_orders_only: bool | None = None
    weight_per_minute_max: int | None = None
    orders_per_10s_max: int | None = None


class ListKeys(Request, frozen=True, tag="key.list"):
    """List virtual keys.

    Without `limit` and `cursor` all are answered; with one of them a page.

    Attributes:
        revoked: Those that are revoked as well.
        query: In the label, the credential's label or the policy's name, or its id or an API key begins so; without case.
        state: As in `KeyView`; `faulty` for any other.
        key_type: Only keys with a version of this type.
        credential: Only this real credential's, by label or id.
        ids: Only these; None for all.
        sort: What they are sorted by; keys that never expire come after all others.
        descending: The other way round.
        limit: Keys of a page.
        cursor: Of the page before.
    """

    revoked: bool = False
    query: str = ""
    state: KeyState | None = None
    key_type: KeyType | None = None
    credential: str = ""
    ids: frozenset[str] | None = None
    sort: KeyOrder = "created"
    descending: bool = False
    limit: Limit | None = None
    cursor: str = ""


class ListPolicies(Request, frozen=True, tag="policy.list"):
    """List the policies that keys have, by name: those of revoked keys are left out.

    Attributes:
        query: In the policy's name or a key's label, or a key's id begins so; without case.
        ids: Only these keys' policies; None for all.
        limit: Policies of a page.
        cursor: Of the page before.
    """

    query: str = ""
    ids: frozenset[str] | None = None
    limit: Limit = 50
    cursor: str = ""


class ShowKey(Request, frozen=True, tag="key.show"):
    """Show one key.

    Attributes:
        key: Its label, its id or one of its API keys, or a beginning of these that only it has.
    """

    key: str


class EditKey(Request, frozen=True, kw_only=True, tag="key.edit"):
    """Change what is given; None leaves a part as it is, an empty list or text clears it. See `IssueKey`."""

    key: str
    label: str | None = None
    policy: str | None = None
    ips: list[str] | None = None
    expires: str | None = None
    own_orders_only: bool | None = None
    weight_per_minute_max: int | None = None
    orders_per_10s_max: int | None = None


class RollKey(Request, frozen=True, kw_only=True, tag="key.roll"):
    """Give a key a new version; the old ones end.

    Attributes:
        key: See `ShowKey`.
        overlap: How long the old ones still work: a span such as `1h`; `0s` ends them at once.
        key_type: Of the new version; None for that of the newest.
        public_key: PEM, for RSA and ED25519.
    """

    key: str
    overlap: str
    key_type: KeyType | None = None
    public_key: str = ""


class RevokeKey(Request, frozen=True, tag="key.revoke"):
    """Revoke a key for good, and all that descend from it."""

    key: str


class ShowGateway(Request, frozen=True, tag="gateway.status"):
    """How the gateway is."""


AnyKeyRequest = IssueKey | ListKeys | ListPolicies | ShowKey | EditKey | RollKey | RevokeKey | ShowGateway
AnyRequest = AnyKeyRequest | AnyApprovalRequest | ShowChanges


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """One API key of a virtual key.

    Attributes:
        api_key: Its public name.
        key_type: Which signatures it makes.
        fingerprint: Of the public half; empty for HMAC.
        state: `works`, `ends` or `ended`.
        created, ends: ISO 8601; `ends` is None for never.
    """

    api_key: str
    key_type: KeyType
    fingerprint: str
    state: str
    created: str
    ends: str | None


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual key as people see it.

    Attributes:
        state: `works`, or why not: `expired`, `revoked`, `parent revoked`, or what is wrong with it.
        ends_in: Until it expires, for people: `29d 4h`; empty for never, or when it is over.
        credential: Id of the real credential; `credential_label` and `upstream` are empty where it is gone.
        expires: Of the key itself; `effective_expires` also counts its ancestors'. ISO 8601, None for never.
        ips: Of the key itself; empty for any, or the parent's.
        parent, children: Ids; of children those that are not revoked.
        versions: Newest first.
        last_used: ISO 8601, None for never; late by a second at most while a gateway runs, by ten after a crash.
        policy_text: Of one key that is shown; empty in lists.
        usage: What it has used up today, by name; None where no gateway runs.
    """

    id: str
    label: str
    state: str
    ends_in: str
    credential: str
    credential_label: str
    upstream: str
    policy: str
    policy_sha256: str
    ips: list[str]
    expires: str | None
    effective_expires: str | None
    own_orders_only: bool
    weight_per_minute_max: int
    orders_per_10s_max: int
    parent: str
    children: list[str]
    versions: list[VersionView]
    created: str
    revoked: str | None
    last_used: str | None
    last_ip: str
    policy_text: str = ""
    usage: dict[str, str] | None = None


class IssuedAnswer(msgspec.Struct, frozen=True):
    """A new version of a key.

    Attributes:
        key: The key.
        api_key: The new version's.
        secret_key: Of an HMAC key, here and never again; empty for others.
    """

    key: KeyView
    api_key: str
    secret_key: str = ""

    def __repr__(self) -> str:
        return f"IssuedAnswer({self.key.id})"


class RevokedAnswer(msgspec.Struct, frozen=True):
    """Keys that were revoked, the named one first."""

    keys: list[KeyView]


class ListAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """Keys, oldest first unless another order was asked for.

    Attributes:
        keys: All, or those of a page.
        total: Of all pages; None, and left out, where no page was asked for.
        next: Cursor of the page after this one; empty, and left out, on the last.
    """

    keys: list[KeyView]
    total: int | None = None
    next: str = ""


class KeyName(msgspec.Struct, frozen=True):
    """What a key is called."""

    id: str
    label: str


class PolicyUse(msgspec.Struct, frozen=True):
    """A policy that keys have.

    Attributes:
        name: As it calls itself.
        sha256: Of its text.
        keys: Some of those that have it.
        count: How many have it.
    """

    name: str
    sha256: str
    keys: list[KeyName]
    count: int


class PoliciesAnswer(msgspec.Struct, frozen=True):
    """A page of policies.

    Attributes:
        total: Of all pages.
        next: Cursor of the page after this one; empty on the last.
    """

    policies: list[PolicyUse]
    total: int
    next: str


AnyAnswer = (
    KeyView
    | IssuedAnswer
    | RevokedAnswer
    | ListAnswer
    | PoliciesAnswer
    | GatewayView
    | AnyApprovalAnswer
    | ChangesAnswer
)
Answer = AnyAnswer | Refused | Sealed | NotFound

_decoder: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(AnyRequest)


def read_request(line: bytes) -> AnyRequest | Refused:
    """Read one line."""
    try:
        request: AnyRequest = _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return Refused(f"not a request: {error}")
    return request


def write_request(request: AnyRequest) -> bytes:
    """Write one line."""
    return msgspec.json.encode(request) + b"\n"


def write_answer(answer: Answer) -> bytes:
    """Write one line: `{"result": …}`, or `{"error": text, "kind": …}`."""
    if isinstance(answer, Refused | Sealed | NotFound):
        kind = {Refused: "refused", Sealed: "sealed", NotFound: "not_found"}[type(answer)]
        return msgspec.json.encode({"error": str(answer), "kind": kind}) + b"\n"
    return msgspec.json.encode({"result": answer}) + b"\n"
