"""From a visit to its answer: guard, freshness, handler, and what problems become for people. Writes no HTTP (`door`)."""

from typing import Final

from watchword.entrypoints.console.pages.cookies import SESSION
from watchword.entrypoints.console.pages.guarding import SIGN_IN, STEPS, turned_away
from watchword.entrypoints.console.pages.page import Answer, Bytes, Go, View
from watchword.entrypoints.console.pages.step_up import ask_factor
from watchword.entrypoints.console.pages.visit import Visit
from watchword.entrypoints.console.problem import (
    FACTOR_MISSING,
    NOT_SIGNED_IN,
    STALE_FACTOR,
    WRONG_METHOD,
    Problem,
)
from watchword.entrypoints.console.streaming import Streamed

PROBLEM_TEMPLATE: Final = "problem.html"


async def answered(visit: Visit, *, taking: bool) -> View | Go | Bytes | Streamed:
    """Answer a visit.

    Args:
        visit: Read; where a form was sent, its token held.
        taking: Whether a form is to be taken, not a page shown.
    """
    answer = await _performed(visit, taking=taking)
    if isinstance(answer, Problem):
        answer = await _told(visit, answer)
    return problem_view(answer) if isinstance(answer, Problem) else answer


def problem_view(problem: Problem) -> View:
    """Say a problem on a page of its own, or in the dialogue that asked."""
    return View(PROBLEM_TEMPLATE, {"problem": problem}, problem.kind.status)


async def _performed(visit: Visit, *, taking: bool) -> Answer:
    page = visit.page
    turned = turned_away(page, visit.who, visit.address)
    if turned is not None:
        return _said_why(visit, turned)
    handler = page.post if taking else page.get
    if handler is None:
        return Problem(WRONG_METHOD)
    if (page.fresh or (taking and page.confirmed)) and not visit.fresh:
        return Problem(STALE_FACTOR)
    return await handler(visit)


def _said_why(visit: Visit, turned: Go | Problem) -> Go | Problem:
    """Say to somebody whose session is over that it is: otherwise they wonder why they have to sign in."""
    if isinstance(turned, Problem) or not visit.jar.dropped(SESSION):
        return turned
    return Go(turned.path, "session-over")


async def _told(visit: Visit, problem: Problem) -> Answer:
    """Turn problems that a person can mend by a step into that step."""
    if problem.kind is STALE_FACTOR and visit.who is not None and not visit.just_shown:
        return await ask_factor(visit)
    if problem.kind is NOT_SIGNED_IN:
        visit.forget()
        return Go(SIGN_IN, "session-over")
    if problem.kind is FACTOR_MISSING and visit.who is not None and visit.who.session is not None:
        return Go(STEPS[visit.who.session.stage])
    return problem
