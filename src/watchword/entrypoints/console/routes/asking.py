"""Asking other processes for a caller: on whose behalf, and what their answers become. Decides nothing."""

from typing import Any, TypeVar

import msgspec

from watchword.audit.on_behalf import OnBehalf
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.console.route import Ask

T = TypeVar("T", bound=msgspec.Struct)


def behalf_of(ask: Ask[Any, Any]) -> OnBehalf:
    """Say for whom another process is asked: the member `on_behalf` of an admin request."""
    return OnBehalf(**ask.on_behalf())


def shaped(found: Any | Problem, kind: type[T]) -> T | Problem:
    """Take an answer as a struct of this API; members the API does not know are left out.

    Args:
        found: `result` of an answer, or why there is none.
        kind: What the route answers.
    """
    return found if isinstance(found, Problem) else msgspec.convert(found, kind)
