"""Signing in and stepping up over HTTP: password, then second factor, then a session. Judges nothing itself (`accounts.sign_in`).

Every refusal says the same, whatever its cause, and costs the same; the trail says which. A token is handed out only
once the trail has the row that says so.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.accounts import showing
from watchword.accounts.model import FactorKind, Person, Stage
from watchword.accounts.passwords import PASSWORD_LENGTH_MAX, check_password
from watchword.accounts.refusal import Refused
from watchword.accounts.sign_in import FACTOR_REFUSED, PASSWORD_REFUSED, SignedIn, SignInRefused
from watchword.audit.event import Refusal
from watchword.audit.trail import AuditUnavailable
from watchword.entrypoints.console.problem import FACTOR_REFUSED as WRONG_FACTOR
from watchword.entrypoints.console.problem import NOT_FOUND, REFUSED, SIGN_IN_REFUSED, UNAVAILABLE, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.factors import FactorView, views_of
from watchword.entrypoints.console.routes.refusals import problem_of
from watchword.kernel.secret import Secret

TAG: Final = "sign-in"
LOGIN_LENGTH_MAX: Final = 254
CODE_LENGTH_MAX: Final = 64
#: Under which attempts on names nobody has are recorded: what was typed may be a password.
NOBODY: Final = "nobody"
_AT_FACTOR: Final[frozenset[Stage]] = frozenset({"factor"})
_SHOWING: Final[frozenset[Stage]] = frozenset({"factor", "full"})

Code = Annotated[str, Meta(min_length=1, max_length=CODE_LENGTH_MAX)]


class Credentials(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first step: name or mail address, and password."""

    login: Annotated[str, Meta(min_length=1, max_length=LOGIN_LENGTH_MAX)]
    password: Annotated[str, Meta(min_length=1, max_length=PASSWORD_LENGTH_MAX)]


class TotpShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="totp"):
    """Six digits of an authenticator app."""

    code: Code


class WebauthnShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="webauthn"):
    """What the browser answered to the challenge: a `PublicKeyCredential` as JSON."""

    answer: dict[str, Any]


class RecoveryShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="recovery"):
    """A recovery code."""

    code: Code


class DigitsShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="message"):
    """Six digits that were sent by mail or short message."""

    factor_id: Code
    code: Code


class FactorShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A second factor."""

    attempt: TotpShown | WebauthnShown | RecoveryShown | DigitsShown


class CodeWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """To which address a code shall be sent."""

    factor_id: Code


class SignedInView(msgspec.Struct, frozen=True):
    """A step that went well.

    Attributes:
        token: Of the session, for `Authorization: Bearer`; every token before is void.
        session: Its id.
        stage: `full`, or what is still missing: `factor`, `enrol`.
        person: Who signed in.
        offered: With which kinds of second factors the next step can be shown.
        addresses: Where codes can be sent, addresses shown in part.
    """

    token: str
    session: str
    stage: Stage
    person: str
    offered: list[FactorKind]
    addresses: list[FactorView]


class Challenge(msgspec.Struct, frozen=True):
    """What `navigator.credentials.get` is called with."""

    options: dict[str, Any]


async def show_password(ask: Ask[Credentials, None]) -> SignedInView | Problem:
    """Take the first step; the password is checked in a thread, at the same cost for everybody."""
    console = ask.console
    asked = console.sign_in.password_to_check(ask.body.login)
    check = await console.hashing(
        check_password, asked.stored, Secret(ask.body.password.encode()), console.entropy
    )
    step = console.sign_in.password_shown(asked, check, ask.origin, console.clock.now_us())
    if isinstance(step, SignInRefused):
        return refused(ask, step, Problem(SIGN_IN_REFUSED, PASSWORD_REFUSED))
    return await handed_out(ask, step, "session:opened")


async def show_factor(ask: Ask[FactorShown, None]) -> SignedInView | Problem:
    """Take the second step, or step up."""
    session = ask.caller.session
    if session is None:
        return Problem(SIGN_IN_REFUSED)
    step = ask.console.sign_in.factor_shown(session, _attempt(ask.body), ask.origin, ask.now_us)
    if isinstance(step, SignInRefused):
        return refused(ask, step, Problem(WRONG_FACTOR, FACTOR_REFUSED))
    return await handed_out(
        ask, step, "session:signed-in" if session.stage == "factor" else "session:stepped-up"
    )


async def open_challenge(ask: Ask[None, None]) -> Challenge | Problem:
    """Open a challenge for security keys."""
    options = ask.console.factors.challenge(ask.person.id, ask.caller.through, ask.now_us)
    return problem_of(options) if isinstance(options, Refused) else Challenge(options)


async def send_code(ask: Ask[CodeWanted, None]) -> Problem | None:
    """Send a code to an address of the caller."""
    factors = ask.console.factors
    if ask.body.factor_id not in {factor.id for factor in factors.listed(ask.person.id)}:
        return Problem(NOT_FOUND, "no address of yours has this id")
    session = ask.caller.session
    if session is not None and session.stage == "full" and not factors.sent_codes_confirm(ask.person.id):
        return Problem(
            REFUSED, "confirm with your app, security key or a recovery code: a sent code only lets you in"
        )
    drawn = factors.send_code(ask.person.id, ask.body.factor_id, ask.now_us)
    if isinstance(drawn, Refused):
        return problem_of(drawn)
    undelivered = await ask.console.send(drawn.message)
    return Problem(UNAVAILABLE, undelivered.reason) if undelivered is not None else None


async def handed_out(ask: Ask[Any, Any], step: SignedIn, action: str) -> SignedInView:
    """Record a step and hand out its token; what cannot be recorded ends the session instead.

    Raises:
        AuditUnavailable: It could not be recorded.
    """
    console, session, person = ask.console, step.opened.session, step.person
    values = {"stage": session.stage, "device": session.agent, "shown": session.factor or "password"}
    try:
        await ask.record(action, session.id, values, person)
    except AuditUnavailable:
        console.sessions.end(person.id, session.id)
        raise
    for message in step.messages:
        console.tell(person.id, message)
    addresses = [view for view in views_of(console.factors.listed(person.id)) if view.kind in {"mail", "sms"}]
    return SignedInView(
        step.opened.token, session.id, session.stage, person.name, sorted(step.offered), addresses
    )


def refused(ask: Ask[Any, Any], step: SignInRefused, answer: Problem) -> Problem:
    """Record a step that went wrong, with its cause, and answer without it."""
    console = ask.console
    person = console.register.get(Person, step.person_id)
    console.trail.record_refusal(
        Refusal(
            key=step.person_id or NOBODY,
            endpoint="POST /manage/v1/sign-in",
            rule=f"sign-in:{step.outcome}",
            reason=step.detail,
            request=ask.request,
            ip=ask.origin.ip,
            values={"person": person.name if person is not None else NOBODY, "device": ask.origin.agent},
            code=answer.kind.status,
        )
    )
    for message in step.messages:
        console.tell(step.person_id, message)
    return answer


def _attempt(body: FactorShown) -> showing.Attempt:
    match body.attempt:
        case TotpShown(code):
            return showing.TotpCode(code)
        case WebauthnShown(answer):
            return showing.WebauthnAnswer(answer)
        case RecoveryShown(code):
            return showing.RecoveryText(code)
        case DigitsShown(factor_id, code):
            return showing.SentDigits(factor_id, code)


ROUTES: Final = (
    Route(
        method="POST", path="/sign-in", name="signIn", summary="Show name and password.", tag=TAG, action=None,
        handler=show_password, body=Credentials, answer=SignedInView, limit="sign_in",
        audit=Audit("session:opened", by_handler=True),
    ),
    Route(
        method="POST", path="/sign-in/factor", name="showFactor", summary="Show the second factor.", tag=TAG,
        action="self.write", handler=show_factor, body=FactorShown, answer=SignedInView, tokens=False,
        stages=_AT_FACTOR, limit="sign_in", audit=Audit("session:signed-in", by_handler=True),
    ),
    Route(
        method="POST", path="/step-up", name="stepUp", summary="Show a second factor again, to make it fresh.",
        tag=TAG, action="self.write", handler=show_factor, body=FactorShown, answer=SignedInView, tokens=False,
        limit="sign_in", audit=Audit("session:stepped-up", by_handler=True),
    ),
    Route(
        method="POST", path="/sign-in/challenge", name="openChallenge", summary="Open a challenge for security keys.",
        tag=TAG, action="self.write", handler=open_challenge, answer=Challenge, tokens=False, stages=_SHOWING,
        limit="sign_in", audit=Audit("challenge:opened"),
    ),
    Route(
        method="POST", path="/sign-in/code", name="sendCode", summary="Send me a code by mail or short message.",
        tag=TAG, action="self.write", handler=send_code, body=CodeWanted, status=204, tokens=False, stages=_SHOWING,
        limit="sign_in", audit=Audit("code:sent", values=lambda ask: {"factor_id": ask.body.factor_id}),
    ),
)  # fmt: skip
