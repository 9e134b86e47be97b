"""A person's own second factors: listed, set up, confirmed, removed; recovery codes. Shows seeds and codes once, never again.

All of it needs a fresh factor, except for somebody who is just enrolling and has none yet.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.accounts import security_messages
from watchword.accounts.model import Channel, Factor, FactorKind, MessageFactor, Stage, TotpFactor
from watchword.accounts.naming import LABEL_LENGTH_MAX, MAIL_LENGTH_MAX
from watchword.accounts.refusal import Refused
from watchword.entrypoints.console.problem import UNAVAILABLE, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.refusals import problem_of

TAG: Final = "factors"
CODE_LENGTH_MAX: Final = 64
#: Characters of an address that are shown before the rest is hidden.
SHOWN_LENGTH: Final = 2
_OWN: Final[frozenset[Stage]] = frozenset({"enrol", "full"})

Label = Annotated[str, Meta(min_length=1, max_length=LABEL_LENGTH_MAX)]


class FactorView(msgspec.Struct, frozen=True):
    """A second factor, without what could be used.

    Attributes:
        label: What its owner calls it; of an address, a part of it.
    """

    id: str
    kind: FactorKind
    label: str
    created_us: int
    used_us: int


class FactorList(msgspec.Struct, frozen=True):
    """A person's second factors, oldest first.

    Attributes:
        recovery_codes_left: How many are unspent.
        channels: Over what this console can send codes and mails; empty where nothing is set up.
        sent_codes_confirm: Whether a code that was sent confirms what is dangerous, not only a sign-in: only for who
            has no app and no security key.
    """

    items: list[FactorView]
    recovery_codes_left: int
    channels: list[Channel]
    sent_codes_confirm: bool


class AppDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An authenticator app to be set up."""

    label: Label


class AppStarted(msgspec.Struct, frozen=True):
    """An authenticator app being set up.

    Attributes:
        id: To confirm it by.
        uri: `otpauth://…` for the app to scan; shown this once.
    """

    id: str
    uri: str


class AddressDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An address to be set up."""

    channel: Channel
    address: Annotated[str, Meta(min_length=1, max_length=MAIL_LENGTH_MAX)]


class AddressStarted(msgspec.Struct, frozen=True):
    """An address being set up; a code is on its way to it."""

    id: str


class FirstCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first code of an app."""

    code: Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH_MAX)]


class AddressCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The code that was sent to an address.

    Attributes:
        replaces: Id of another address of the caller that goes in the same step; empty for none.
    """

    code: Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH_MAX)]
    replaces: Annotated[str, Meta(max_length=CODE_LENGTH_MAX)] = ""


class KeyOptions(msgspec.Struct, frozen=True):
    """What `navigator.credentials.create` is called with."""

    options: dict[str, Any]


class KeyDraft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A security key: what the browser answered to the options."""

    label: Label
    answer: dict[str, Any]


class FactorAdded(msgspec.Struct, frozen=True):
    """A factor that is set up.

    Attributes:
        token: Of the session, where this was the first factor: it may now do everything. Empty otherwise, and the
            token before stays good.
    """

    factor: FactorView
    token: str = ""


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Ten new recovery codes, shown this once; all before are void."""

    codes: list[str]


def views_of(rows: Sequence[Factor]) -> list[FactorView]:
    """Show factors without what could be used."""
    return [_view(row) for row in rows]


def needs_factor(ask: Ask[Any, Any]) -> bool:
    """Whether a factor must have been shown just now: always, except while there is none yet."""
    session = ask.caller.session
    return session is None or session.stage != "enrol"


async def list_factors(ask: Ask[None, None]) -> FactorList:
    """List the caller's factors."""
    factors, person_id = ask.console.factors, ask.person.id
    return FactorList(
        views_of(factors.listed(person_id)),
        factors.recovery_codes_left(person_id),
        sorted(ask.console.sender.channels()),
        factors.sent_codes_confirm(person_id),
    )


async def start_app(ask: Ask[AppDraft, None]) -> AppStarted | Problem:
    """Begin to set up an authenticator app."""
    started = ask.console.factors.start_totp(ask.person, ask.body.label, ask.now_us)
    return problem_of(started) if isinstance(started, Refused) else AppStarted(started.factor.id, started.uri)


async def confirm_app(ask: Ask[FirstCode, None]) -> FactorAdded | Problem:
    """Take the app once it showed a code."""
    factors = ask.console.factors
    made = factors.confirm_totp(
        ask.person.id, ask.path["factor"], ask.body.code, ask.now_us, first=_enrols(ask)
    )
    return _added(ask, made)


async def start_key(ask: Ask[None, None]) -> KeyOptions | Problem:
    """Begin to set up a security key."""
    options = ask.console.factors.start_webauthn(ask.person, ask.caller.through, ask.now_us)
    return problem_of(options) if isinstance(options, Refused) else KeyOptions(options)


async def add_key(ask: Ask[KeyDraft, None]) -> FactorAdded | Problem:
    """Take the security key once it proved itself."""
    body = ask.body
    return _added(
        ask,
        ask.console.factors.finish_webauthn(
            ask.person.id, ask.caller.through, body.label, body.answer, ask.now_us, first=_enrols(ask)
        ),
    )


async def start_address(ask: Ask[AddressDraft, None]) -> AddressStarted | Problem:
    """Begin to set up an address, by sending it a code."""
    body, console = ask.body, ask.console
    if body.channel not in console.sender.channels():
        return Problem(UNAVAILABLE, f"no way to send {body.channel} is set up")
    started = console.factors.start_message(ask.person.id, body.channel, body.address, ask.now_us)
    if isinstance(started, Refused):
        return problem_of(started)
    undelivered = await console.send(started.sent.message)
    if undelivered is not None:
        return Problem(UNAVAILABLE, undelivered.reason)
    return AddressStarted(started.factor.id)


async def confirm_address(ask: Ask[AddressCode, None]) -> FactorAdded | Problem:
    """Take the address once the code came back; the one it replaces is told so."""
    factors, person_id, body = ask.console.factors, ask.person.id, ask.body
    former = factors.address(person_id, body.replaces)
    made = factors.confirm_message(
        person_id, ask.path["factor"], body.code, ask.now_us, first=_enrols(ask), replaces=body.replaces
    )
    if former is not None and not isinstance(made, Refused):
        _tell_gone(ask, former)
    return _added(ask, made)


async def remove_factor(ask: Ask[None, None]) -> Problem | None:
    """Remove a factor; never the last."""
    removed = ask.console.factors.remove(ask.person.id, ask.path["factor"])
    if isinstance(removed, Refused):
        return problem_of(removed)
    kind = _view(removed).kind
    _tell(ask, security_messages.factor_removed(ask.person, kind, ask.origin, ask.now_us))
    if isinstance(removed, MessageFactor) and removed.confirmed_us:
        _tell_gone(ask, removed)
    return None


async def draw_recovery_codes(ask: Ask[None, None]) -> RecoveryCodes | Problem:
    """Draw ten recovery codes."""
    drawn = ask.console.factors.new_recovery_codes(ask.person, ask.now_us)
    if isinstance(drawn, Refused):
        return problem_of(drawn)
    _tell(ask, security_messages.factor_added(ask.person, "recovery", ask.origin, ask.now_us))
    return RecoveryCodes(list(drawn.texts))


def _added(ask: Ask[Any, Any], made: Factor | Refused) -> FactorAdded | Problem:
    """Answer with a new factor; where it is the first, the session may now do everything, under a new token."""
    if isinstance(made, Refused):
        return problem_of(made)
    console, session, view = ask.console, ask.caller.session, _view(made)
    _tell(ask, security_messages.factor_added(ask.person, view.kind, ask.origin, ask.now_us))
    if session is None or not _enrols(ask):
        return FactorAdded(view)
    step = console.sign_in.enrolled(session, view.kind, ask.origin, ask.now_us)
    return problem_of(step) if isinstance(step, Refused) else FactorAdded(view, step.opened.token)


def _enrols(ask: Ask[Any, Any]) -> bool:
    """Whether this session may set up a first factor and nothing else."""
    return ask.caller.session is not None and ask.caller.session.stage == "enrol"


def _tell(ask: Ask[Any, Any], message: Any) -> None:
    ask.console.tell(ask.person.id, message)


def _tell_gone(ask: Ask[Any, Any], former: MessageFactor) -> None:
    """Tell an address that no codes go there any more; not where other mails still do."""
    person = ask.person
    if former.address not in {person.mail, person.phone}:
        gone = security_messages.address_gone(person, former.channel, former.address, ask.origin, ask.now_us)
        _tell(ask, gone)


def _view(row: Factor) -> FactorView:
    if isinstance(row, MessageFactor):
        return FactorView(row.id, row.channel, _partly(row.address), row.created_us, row.used_us)
    kind: FactorKind = "totp" if isinstance(row, TotpFactor) else "webauthn"
    return FactorView(row.id, kind, row.label, row.created_us, row.used_us)


def _partly(address: str) -> str:
    """Show enough of an address to know it by."""
    name, at, domain = address.partition("@")
    if at:
        return f"{name[:SHOWN_LENGTH]}…@{domain}"
    return f"{address[: SHOWN_LENGTH + 1]}…{address[-SHOWN_LENGTH:]}"


_CHANGE: Final[dict[str, Any]] = {
    "tag": TAG, "action": "self.write", "tokens": False, "stages": _OWN, "fresh": needs_factor, "limit": "write",
}  # fmt: skip

ROUTES: Final = (
    Route(
        method="GET", path="/self/factors", name="listFactors", summary="List my second factors.", tag=TAG,
        action="self.read", handler=list_factors, answer=FactorList, stages=_OWN,
    ),
    Route(
        method="DELETE", path="/self/factors/{factor}", name="removeFactor", summary="Remove one of my second factors.",
        handler=remove_factor, status=204, audit=Audit("factor:removed"), **{**_CHANGE, "stages": frozenset({"full"}), "fresh": "always"},
    ),
    Route(
        method="POST", path="/self/factors/apps", name="startApp", summary="Begin to set up an authenticator app.",
        handler=start_app, body=AppDraft, answer=AppStarted, status=201,
        audit=Audit("factor:totp:started", values=lambda ask: {"label": ask.body.label}), **_CHANGE,
    ),
    Route(
        method="POST", path="/self/factors/apps/{factor}/confirmation", name="confirmApp",
        summary="Confirm an authenticator app with its first code.", handler=confirm_app, body=FirstCode,
        answer=FactorAdded, audit=Audit("factor:totp:added"), **_CHANGE,
    ),
    Route(
        method="POST", path="/self/factors/keys/options", name="startKey", summary="Begin to set up a security key.",
        handler=start_key, answer=KeyOptions, audit=Audit("factor:webauthn:started"), **_CHANGE,
    ),
    Route(
        method="POST", path="/self/factors/keys", name="addKey", summary="Take a security key that proved itself.",
        handler=add_key, body=KeyDraft, answer=FactorAdded, status=201,
        audit=Audit("factor:webauthn:added", values=lambda ask: {"label": ask.body.label}), **_CHANGE,
    ),
    Route(
        method="POST", path="/self/factors/addresses", name="startAddress",
        summary="Begin to set up codes by mail or short message.", handler=start_address, body=AddressDraft,
        answer=AddressStarted, status=201,
        audit=Audit("factor:message:started", values=lambda ask: {"channel": ask.body.channel}), **_CHANGE,
    ),
    Route(
        method="POST", path="/self/factors/addresses/{factor}/confirmation", name="confirmAddress",
        summary="Confirm an address with the code sent to it.", handler=confirm_address, body=AddressCode,
        answer=FactorAdded, audit=Audit("factor:message:added"), **_CHANGE,
    ),
    Route(
        method="POST", path="/self/recovery-codes", name="drawRecoveryCodes",
        summary="Draw ten recovery codes; shown once.", tag=TAG, action="self.write", handler=draw_recovery_codes,
        answer=RecoveryCodes, status=201, fresh="always", limit="write", audit=Audit("factor:recovery:drawn"),
    ),
)  # fmt: skip
