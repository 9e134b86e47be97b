"""All routes of the management API, in one table. Adds nothing of its own."""

from typing import Final

from watchword.entrypoints.console.route import Route
from watchword.entrypoints.console.routes import (
    about,
    assignments,
    enrolment,
    factors,
    own,
    people,
    sessions,
    sign_in,
    tokens,
)

ROUTES: Final[tuple[Route, ...]] = (
    *about.ROUTES,
    *sign_in.ROUTES,
    *enrolment.ROUTES,
    *own.ROUTES,
    *factors.ROUTES,
    *sessions.ROUTES,
    *tokens.ROUTES,
    *people.ROUTES,
    *assignments.ROUTES,
)
