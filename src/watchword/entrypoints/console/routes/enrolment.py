"""Beginning: somebody invited sets their password with the enrolment token they were handed. Open, and good once."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from watchword.accounts.passwords import PASSWORD_LENGTH_MAX, hash_password, judge_password
from watchword.accounts.refusal import Refused
from watchword.entrypoints.console.problem import SIGN_IN_REFUSED, Problem
from watchword.entrypoints.console.route import Ask, Audit, Route
from watchword.entrypoints.console.routes.refusals import problem_of
from watchword.entrypoints.console.routes.sign_in import SignedInView, handed_out
from watchword.kernel.secret import Secret

TAG: Final = "sign-in"
TOKEN_LENGTH_MAX: Final = 128
_OVER: Final = Problem(SIGN_IN_REFUSED, "this invitation is used or over; ask for a new one")


class Enrolment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An enrolment token, and the password to begin with."""

    token: Annotated[str, Meta(min_length=1, max_length=TOKEN_LENGTH_MAX)]
    password: Annotated[str, Meta(min_length=1, max_length=PASSWORD_LENGTH_MAX)]


async def enrol(ask: Ask[Enrolment, None]) -> SignedInView | Problem:
    """Set the first password; the session that comes of it may only set up a second factor."""
    console, body = ask.console, ask.body
    person = console.people.invited(body.token, ask.now_us)
    if person is None:
        console.trail.count_refusal("enrolment refused", ask.origin.ip)
        return _OVER
    password = Secret(body.password.encode())
    weak = await console.hashing(judge_password, password, person.name, person.mail)
    if weak is not None:
        return problem_of(weak)
    text = await console.hashing(hash_password, password, console.entropy)
    # Recorded first: afterwards the token is used up.
    await ask.record("person:enrolled", person.id, actor=person)
    step = console.sign_in.enrol(body.token, text, ask.origin, console.clock.now_us())
    return problem_of(step) if isinstance(step, Refused) else await handed_out(ask, step, "session:opened")


ROUTES: Final = (
    Route(
        method="POST", path="/enrolment", name="enrol", summary="Set the first password with an enrolment token.",
        tag=TAG, action=None, handler=enrol, body=Enrolment, answer=SignedInView, status=201, limit="sign_in",
        audit=Audit("person:enrolled", by_handler=True),
    ),
)  # fmt: skip
