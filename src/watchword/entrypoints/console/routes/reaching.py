"""Whom and what a caller's reach covers. What is out of reach is answered like what is not there, so that nobody probes."""

from typing import Any

from watchword.accounts.model import Person, SubjectKind
from watchword.accounts.roles import ALL, may_act_on
from watchword.entrypoints.console.problem import FORBIDDEN, NOT_FOUND, Problem
from watchword.entrypoints.console.route import Ask


def person_in_path(ask: Ask[Any, Any], name: str = "person") -> Person | Problem:
    """Find the person a path names.

    Args:
        ask: With an action on people.
        name: Of the path's parameter.
    """
    person = ask.console.register.get(Person, ask.path[name])
    if person is None or (ask.reach != ALL and person.id != ask.person.id):
        return Problem(NOT_FOUND, "there is no such person")
    return person


def person_to_change(ask: Ask[Any, Any]) -> Person | Problem:
    """Find the person a path names, for a change: an owner is touched by owners only."""
    person = person_in_path(ask)
    if isinstance(person, Person) and not may_act_on(ask.person.role, person.role):
        return Problem(FORBIDDEN, "only an owner may do this to an owner")
    return person


def reaches_subject(ask: Ask[Any, Any], kind: SubjectKind, subject: str) -> bool:
    """Whether a virtual key or credential is within the caller's reach."""
    return ask.reach == ALL or subject in ask.console.assignments.subjects_of(ask.person.id, kind)


def reaches_account(ask: Ask[Any, Any], account_id: int) -> bool:
    """Whether an exchange account is within the caller's reach."""
    return ask.reach == ALL or account_id in ask.console.assignments.accounts_of(ask.person.id)
