"""What the trail can say: one frozen struct per kind of event, and their bytes. Never decides what happened.

Bodies are JSON, so that a trail can be read without Watchword. `encode_event` is the only way to them: it bounds every
text and redacts by type, by name and by shape, so that no secret can get in through a field nobody thought of.
"""

from typing import Any, Final, Literal

import msgspec

from watchword.audit.redaction import (
    IDENTIFIER_LENGTH_MAX,
    RUN_LENGTH_MIN,
    bounded,
    is_number,
    is_plain,
    redacted,
    redacted_identifier,
    redacted_path,
    redacted_text,
)
from watchword.audit.reserved import Reserved, cleaned_reserved

#: Rows of one `RefusalsCounted`, at most; the rest is one number.
REFUSAL_ROWS_MAX: Final = 32

#: Fields that are identifiers of our own making: bounded, but a long run of letters in them is not a secret.
_IDENTIFIERS: Final = frozenset({"key", "credential", "policy", "request", "client_order_id", "ip", "replay"})

Result = Literal["answered", "unknown", "not_sent"]


class Intent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="signature:intended", gc=False):
    """A request is about to be signed. Durable before the signature is made.

    Attributes:
        request: The request's id, made by the gateway.
        key: The virtual key that asked.
        credential: The real credential that will sign.
        upstream: Where it will go.
        endpoint: Method and path, or WebSocket method.
        ip: Where the request came from.
        only_cancels: It can only take orders away, or asks what has to be known to do so. Such a request may be signed
            while one of two sinks works.
        client_order_id: Under which an unknown outcome is resolved later.
        parameters: As asked, redacted.
        policy: Digest of the policy that allowed it.
        reason: The rule that allowed it.
        deadline_us: Past it, nothing is sent any more. Epoch microseconds.
        replay: Digests of the bytes the bot may have signed, 32 hex digits each; see `gateway/replay.py`. Empty where it
            signed nothing.
        reserved: What it uses up. None where it uses up nothing; it is then left out of the row.
    """

    request: str
    key: str
    credential: str
    upstream: str
    endpoint: str
    ip: str = ""
    only_cancels: bool = False
    client_order_id: str = ""
    parameters: dict[str, str] = {}
    policy: str = ""
    reason: str = ""
    deadline_us: int = 0
    replay: str = ""
    reserved: Reserved | None = None


class Outcome(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="signature:concluded", gc=False
):
    """How an intent ended. An unknown outcome may get a second row once it is resolved.

    Attributes:
        intent: Row of the intent, or of a change that did not take effect.
        result: `answered`: upstream said `status` and `code`. `unknown`: sent, and no answer came. `not_sent`:
            nothing left this machine.
        status: HTTP status of the answer, 0 where there was none.
        code: Binance's error code, 0 where there was none.
        order_id: Of the order this was about, where the answer named one.
        elapsed_us: From sending to the answer.
        note: Anything a person should know.
    """

    intent: int
    result: Result
    status: int = 0
    code: int = 0
    order_id: str = ""
    elapsed_us: int = 0
    note: str = ""


class Refusal(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="request:refused"):
    """A request of a known key was refused; nothing was signed.

    Attributes:
        rule: What refused it, for example the policy's rule or `budget`.
        reason: For people.
        values: What the rule compared, redacted.
        code: The code the bot saw.
        deadline_us, replay: As in `Intent`: what was refused once cannot come back as another request either.
    """

    key: str
    endpoint: str
    rule: str
    reason: str = ""
    request: str = ""
    ip: str = ""
    parameters: dict[str, str] = {}
    values: dict[str, str] = {}
    code: int = 0
    deadline_us: int = 0
    replay: str = ""


class RefusalCount(msgspec.Struct, frozen=True):
    """How often one reason met one origin."""

    reason: str
    origin: str
    count: int


class RefusalsCounted(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="requests:refused"):
    """Refusals that get no row each: those before authentication, and a known key's beyond its allowance.

    Attributes:
        since_us, until_us: The span counted, epoch microseconds.
        total: All of them.
        rows: The most frequent, at most REFUSAL_ROWS_MAX.
        reasons: How often each reason occurred, over all origins.
    """

    since_us: int
    until_us: int
    total: int
    rows: list[RefusalCount]
    reasons: dict[str, int]


class Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="home:changed"):
    """Somebody changed keys, credentials, policies, the vault or the settings.

    Attributes:
        action: For example `credential:virtual:issued`.
        actor: Who did it.
        subject: What was changed.
        values: How, redacted.
    """

    action: str
    actor: str
    subject: str
    values: dict[str, str] = {}


class TrailOpened(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="trail:opened"):
    """A process began to write here. The first row of every trail is one of these.

    Attributes:
        trail: The trail's id, the same in all its rows of this kind.
        format: Version of the row layout.
        fingerprint: Of the public key that checks the signed checkpoints.
        unconcluded: Intents among the last rows whose outcome is not recorded: the process before ended abruptly.
    """

    trail: str
    format: int
    fingerprint: str
    unconcluded: int = 0


class TrailClosed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="trail:closed"):
    """The process that wrote here ended in order."""

    reason: str = ""


class TrailStopped(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="trail:stopped"):
    """A sink could not take rows; from here on requests were refused. Written as soon as it could be again.

    Attributes:
        sink: Which.
        reason: Why.
    """

    sink: str
    reason: str


class TrailResumed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="trail:resumed"):
    """The sink works again.

    Attributes:
        refused: Requests refused meanwhile because of it; nothing was signed for them.
        outcomes_lost: Outcomes that found no room to wait.
    """

    sink: str
    refused: int = 0
    outcomes_lost: int = 0


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="trail:checkpoint"):
    """A signed statement about the row before this one; see `checkpoint.py`.

    Attributes:
        trail: The trail's id.
        row: The row that is vouched for, and with it all rows before.
        digest: Its digest, hex.
        first: Digest of row 1, hex.
        signature: Ed25519, base64.
    """

    trail: str
    row: int
    digest: str
    first: str
    signature: str


AnyEvent = (
    Intent
    | Outcome
    | Refusal
    | RefusalsCounted
    | Change
    | TrailOpened
    | TrailClosed
    | TrailStopped
    | TrailResumed
    | Checkpoint
)

_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[AnyEvent]] = msgspec.json.Decoder(AnyEvent)
#: Made by the trail itself: digests and signatures look like secrets and are none, and so do long paths of sinks.
_DIGESTS: Final = (TrailOpened, Checkpoint)
_NOTES: Final = (TrailClosed, TrailStopped, TrailResumed)
#: How an intent that uses up nothing ends; it is left out of the row.
_NO_RESERVED: Final = b',"reserved":null}'
_TEN_TEXTS: Final = (str,) * 10
_THREE_TEXTS: Final = (str,) * 3


def encode_event(event: AnyEvent) -> bytes:
    """Write an event as one line of JSON without its line end.

    Args:
        event: Any; whatever its fields hold, also against their types.

    Returns:
        UTF-8 without control characters.
    """
    if type(event) is Intent:
        if _plain_intent(event):
            body = _encoder.encode(event)
            return body if event.reserved is not None else body.removesuffix(_NO_RESERVED) + b"}"
    elif (type(event) is Outcome and _plain_outcome(event)) or isinstance(event, _DIGESTS):
        return _encoder.encode(event)
    fields = msgspec.structs.asdict(event)
    ours = isinstance(event, _NOTES)
    if type(event) is Intent and event.reserved is None:
        del fields["reserved"]
    for name, value in fields.items():
        # Usual values without a call.
        if type(value) is str and value.isascii() and value.isprintable():
            if len(value) < RUN_LENGTH_MIN or (
                len(value) <= IDENTIFIER_LENGTH_MAX and value.isalnum() and name in _IDENTIFIERS
            ):
                continue
        elif is_number(value):
            continue
        fields[name] = bounded(value) if ours else _cleaned(name, value)
    return _encoder.encode({"type": event.__struct_config__.tag, **fields})


def _plain_intent(event: Intent) -> bool:
    """Whether nothing of an intent is to be cleaned: the usual one, told without a look at each field."""
    texts = (event.upstream, event.reason, event.request, event.key, event.credential, event.ip,
        event.client_order_id, event.endpoint, event.policy, event.replay)  # fmt: skip
    if tuple(map(type, texts)) != _TEN_TEXTS or type(event.only_cancels) is not bool:
        return False
    whole = "".join(texts)
    return (
        max(map(len, texts[:-2])) < RUN_LENGTH_MIN
        and _plain_digest(event.policy)
        and _plain_digest(event.replay)
        and whole.isascii()
        and whole.isprintable()
        and is_number(event.deadline_us)
        and is_plain(event.parameters)
        and (
            event.reserved is None
            or (type(event.reserved) is Reserved and cleaned_reserved(event.reserved) is event.reserved)
        )
    )


def _plain_outcome(event: Outcome) -> bool:
    texts = (event.result, event.order_id, event.note)
    if tuple(map(type, texts)) != _THREE_TEXTS:
        return False
    whole = "".join(texts)
    return (
        len(whole) < RUN_LENGTH_MIN
        and whole.isascii()
        and whole.isprintable()
        and is_number(event.intent)
        and is_number(event.status)
        and is_number(event.code)
        and is_number(event.elapsed_us)
    )


def _plain_digest(text: str) -> bool:
    return len(text) < RUN_LENGTH_MIN or (len(text) <= IDENTIFIER_LENGTH_MAX and text.isalnum())


def decode_event(body: bytes) -> AnyEvent | None:
    """Read a body; None where this version of Watchword does not know its kind."""
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _cleaned(name: str, value: Any) -> object:
    kind = type(value)
    if kind is str:
        if name in _IDENTIFIERS:
            return redacted_identifier(value)
        return redacted_path(value) if name == "endpoint" else redacted_text(value)
    if kind is Reserved:
        return cleaned_reserved(value)
    if kind is dict and name == "reasons":
        return {redacted_text(reason): count for reason, count in value.items() if is_number(count)}
    if kind is dict:
        return redacted(value)
    if name == "rows" and kind is list:
        return [
            {"reason": redacted_text(row.reason), "origin": redacted_text(row.origin), "count": row.count}
            for row in value[:REFUSAL_ROWS_MAX]
            if type(row) is RefusalCount
        ]
    return redacted_text(value)
