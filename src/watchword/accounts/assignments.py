"""Which virtual keys and credentials people may use, and which exchange accounts are theirs. Never looks into any of them."""

from typing import Final

from watchword.accounts.model import Assignment, ExchangeOwnership, Person, SubjectKind, new_id
from watchword.accounts.naming import subject_refused
from watchword.accounts.refusal import Refused
from watchword.accounts.register import Register
from watchword.kernel.entropy import Entropy

ASSIGNMENTS_PER_PERSON_MAX: Final = 1_000
ACCOUNTS_PER_PERSON_MAX: Final = 1_000


class Assignments:
    """What is given to whom."""

    def __init__(self, register: Register, entropy: Entropy) -> None:
        self._register = register
        self._entropy = entropy

    def assign(
        self, person_id: str, kind: SubjectKind, subject: str, by: str, now_us: int
    ) -> Assignment | Refused:
        """Give a virtual key or credential to somebody; giving it again changes nothing.

        Args:
            person_id: To whom.
            kind: `virtual` or `credential`.
            subject: Its id; whether it exists is for the caller to know.
            by: Id of who gives it.
            now_us: Epoch microseconds.

        Raises:
            StorageError: It could not be stored; then nothing was given.
        """
        refused = subject_refused(subject)
        if refused is not None:
            return refused
        if self._register.get(Person, person_id) is None:
            return Refused("not_found", "there is no such person")
        held = self._register.of_person(Assignment, person_id)
        for one in held:
            if one.kind == kind and one.subject == subject:
                return one
        if len(held) >= ASSIGNMENTS_PER_PERSON_MAX:
            return Refused("too_many", f"a person is given at most {ASSIGNMENTS_PER_PERSON_MAX} keys")
        row = Assignment(
            id=new_id(self._entropy, "a"),
            person_id=person_id,
            kind=kind,
            subject=subject,
            by=by,
            created_us=now_us,
        )
        self._register.write([row])
        return row

    def unassign(self, person_id: str, kind: SubjectKind, subject: str) -> Assignment | Refused:
        """Take it back, effective at the person's next request."""
        for one in self._register.of_person(Assignment, person_id):
            if one.kind == kind and one.subject == subject:
                self._register.write([], [one])
                return one
        return Refused("not_found", "it is not given to this person")

    def subjects_of(self, person_id: str, kind: SubjectKind) -> frozenset[str]:
        """Return the ids of what is given to a person."""
        held = self._register.of_person(Assignment, person_id)
        return frozenset(one.subject for one in held if one.kind == kind)

    def people_with(self, kind: SubjectKind, subject: str) -> frozenset[str]:
        """Return the ids of the people something is given to."""
        rows = self._register.everything(Assignment)
        return frozenset(one.person_id for one in rows if one.kind == kind and one.subject == subject)

    def listed(self, person_id: str | None = None) -> list[Assignment]:
        """List assignments of one person or of all, oldest first."""
        rows = (
            self._register.everything(Assignment)
            if person_id is None
            else self._register.of_person(Assignment, person_id)
        )
        return sorted(rows, key=lambda one: (one.created_us, one.id))

    def forget(self, kind: SubjectKind, subject: str) -> int:
        """Take something back from everybody, because it is gone for good; return from how many."""
        rows = self._register.everything(Assignment)
        gone = [one for one in rows if one.kind == kind and one.subject == subject]
        if gone:
            self._register.write([], gone)
        return len(gone)

    def own(self, account_id: int, person_id: str, by: str, now_us: int) -> ExchangeOwnership | Refused:
        """Make somebody the owner of an exchange account; who owned it before does not any more.

        Args:
            account_id: The testnet's number of it, above 0.
            person_id: The new owner.
            by: Id of who says so.
            now_us: Epoch microseconds.

        Raises:
            StorageError: It could not be stored; then nothing changed.
        """
        if account_id <= 0:
            return Refused("bad_subject", "name an exchange account by its number")
        if self._register.get(Person, person_id) is None:
            return Refused("not_found", "there is no such person")
        if len(self._register.of_person(ExchangeOwnership, person_id)) >= ACCOUNTS_PER_PERSON_MAX:
            return Refused("too_many", f"a person owns at most {ACCOUNTS_PER_PERSON_MAX} exchange accounts")
        row = ExchangeOwnership(
            id=str(account_id), account_id=account_id, person_id=person_id, by=by, created_us=now_us
        )
        self._register.write([row])
        return row

    def disown(self, account_id: int) -> ExchangeOwnership | Refused:
        """Leave an exchange account without an owner."""
        row = self._register.get(ExchangeOwnership, str(account_id))
        if row is None:
            return Refused("not_found", "nobody owns this exchange account")
        self._register.write([], [row])
        return row

    def owner_of(self, account_id: int) -> str | None:
        """Return the id of who owns an exchange account, or None."""
        row = self._register.get(ExchangeOwnership, str(account_id))
        return None if row is None else row.person_id

    def accounts_of(self, person_id: str) -> frozenset[int]:
        """Return the numbers of the exchange accounts a person owns."""
        return frozenset(one.account_id for one in self._register.of_person(ExchangeOwnership, person_id))
