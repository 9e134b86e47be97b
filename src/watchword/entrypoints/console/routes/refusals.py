"""What people's core refuses, as a problem. Knows the words of both, and nothing else."""

from typing import Final

from watchword.accounts.refusal import RefusalCode, Refused
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Kind, Problem

_KINDS: Final[dict[RefusalCode, Kind]] = {
    "not_found": told.NOT_FOUND,
    "not_allowed": told.FORBIDDEN,
    "taken": told.CONFLICT,
    "too_soon": told.TOO_MANY,
    "last_owner": told.CONFLICT,
    "last_factor": told.CONFLICT,
    "already_founded": told.CONFLICT,
    "not_enrolled": told.CONFLICT,
}


def problem_of(refused: Refused) -> Problem:
    """Say a refusal of the core as a problem; what has no kind of its own is `refused`, 422."""
    return Problem(_KINDS.get(refused.code, told.REFUSED), refused.reason)
