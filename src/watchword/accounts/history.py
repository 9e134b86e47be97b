"""Who signed in, or tried to, from where: a bounded list per person. Never counts tries: that is lockout's.

Successes and failures are bounded apart, so that failing often does not hide where somebody really signed in.
"""

from typing import Final

from watchword.accounts.model import FactorKind, Origin, Outcome, SignIn, new_id
from watchword.accounts.naming import tidy_agent
from watchword.accounts.register import Register
from watchword.kernel.entropy import Entropy

SUCCESSES_PER_PERSON_MAX: Final = 50
FAILURES_PER_PERSON_MAX: Final = 50

_SUCCESSES: Final[frozenset[Outcome]] = frozenset({"signed_in", "stepped_up"})


class History:
    """Everybody's sign-in history."""

    def __init__(self, register: Register, entropy: Entropy) -> None:
        self._register = register
        self._entropy = entropy

    def note(
        self, person_id: str, outcome: Outcome, factor: FactorKind | None, origin: Origin, now_us: int
    ) -> SignIn:
        """Add a line; stored with the next flush. The oldest of its sort goes where there are too many."""
        line = SignIn(
            id=new_id(self._entropy, "h"),
            person_id=person_id,
            at_us=now_us,
            outcome=outcome,
            factor=factor,
            ip=origin.ip,
            agent=tidy_agent(origin.agent),
        )
        succeeded = outcome in _SUCCESSES
        kept_max = SUCCESSES_PER_PERSON_MAX if succeeded else FAILURES_PER_PERSON_MAX
        alike = [one for one in self.listed(person_id) if (one.outcome in _SUCCESSES) is succeeded]
        self._register.note(line, alike[kept_max - 1 :])
        return line

    def listed(self, person_id: str) -> list[SignIn]:
        """List a person's lines, newest first."""
        return sorted(
            self._register.of_person(SignIn, person_id), key=lambda line: (line.at_us, line.id), reverse=True
        )

    def is_new_address(self, person_id: str, ip: str) -> bool:
        """Whether somebody who signed in before never did so from this address, as far as is remembered."""
        known = [
            line.ip for line in self._register.of_person(SignIn, person_id) if line.outcome == "signed_in"
        ]
        return bool(known) and ip not in known
