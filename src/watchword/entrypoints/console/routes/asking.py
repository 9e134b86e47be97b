"""Asking other processes for a caller: on whose behalf, and what their answers become. Decides nothing."""

from typing import Any, TypeVar

import msgspec

from watchword.audit.on_behalf import OnBehalf
from watchword.entrypoints.console.neighbours import UNREADABLE
from watchword.entrypoints.console.problem import NOT_FOUND, REFUSED, Problem
from watchword.entrypoints.console.route import Ask
from watchword.kernel.errors import StorageError

T = TypeVar("T")


def behalf_of(ask: Ask[Any, Any]) -> OnBehalf:
    """Say for whom another process is asked: the member `on_behalf` of an admin request."""
    return OnBehalf(**ask.on_behalf())


def shaped(found: Any | Problem, kind: type[T]) -> T | Problem:
    """Take an answer as a struct of this API; members the API does not know are left out.

    Args:
        found: `result` of an answer, or why there is none.
        kind: What the route answers, or part of it.

    Raises:
        StorageError: It has another shape: the process is of another version. What was asked may be done.
    """
    if isinstance(found, Problem):
        return found
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise StorageError(UNREADABLE) from error


def hidden(found: T | Problem, missing: Problem) -> T | Problem:
    """Say of what a neighbour does not find, or refuses to show, only that it is not there.

    Args:
        found: What it showed, or why not.
        missing: Answered where it has no such thing; a neighbour that is down is still said to be.
    """
    return missing if isinstance(found, Problem) and found.kind in {NOT_FOUND, REFUSED} else found
