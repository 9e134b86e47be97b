"""People: invited, given roles, disabled, removed. Never checks a password and never opens a session.

Who does it is a `Person`, or None for the command line of the host itself, which holds the files anyway. Roles are
judged here as well as at the door: an owner is touched by owners only, and one owner always remains.
"""

from typing import Final

import msgspec

from watchword.accounts.bearer import ENROLMENT_MARKER, digest_of, draw
from watchword.accounts.model import (
    ApiToken,
    Assignment,
    Channel,
    ExchangeOwnership,
    FormerName,
    Invitation,
    MessageCode,
    MessageFactor,
    Person,
    RecoveryCode,
    Row,
    Session,
    SignIn,
    TotpFactor,
    WebauthnFactor,
    new_id,
)
from watchword.accounts.naming import mail_refused, name_refused, phone_refused
from watchword.accounts.refusal import Refused
from watchword.accounts.register import Register
from watchword.accounts.roles import Role, may_act_on, may_assign
from watchword.kernel.entropy import Entropy

PEOPLE_COUNT_MAX: Final = 1_000
INVITATION_LIFE_MS: Final = 259_200_000  # 72 hours

_NOBODY: Final = Refused("not_found", "there is no such person")
_NOT_YOURS: Final = Refused("not_allowed", "only an owner may do this to an owner")
_LAST: Final = Refused("last_owner", "this is the last owner; make somebody else an owner first")
#: Policies name approvers by their names: who gets the name of one who left gets their say.
_FORMER: Final = Refused("taken", "somebody who was removed had this name; only an owner gives it again")
#: What stands or falls with a person's way in: all of it goes when they are invited anew.
_WAYS_IN: Final = (
    TotpFactor,
    WebauthnFactor,
    MessageFactor,
    RecoveryCode,
    MessageCode,
    Session,
    ApiToken,
    Invitation,
)
_REACHES: Final = (Assignment, ExchangeOwnership)


class Invited(msgspec.Struct, frozen=True):
    """Somebody invited, and their enrolment token, shown this once; so it is not in the repr."""

    person: Person
    invitation: Invitation
    token: str

    def __repr__(self) -> str:
        return f"Invited({self.person.id}, …)"


class Usable(msgspec.Struct, frozen=True):
    """What somebody can use: shown before and after they are removed.

    Attributes:
        assignments: Virtual keys and credentials given to them.
        accounts: Exchange accounts that are theirs; they have no owner afterwards.
        tokens: Their API tokens.
        sessions: Their sessions, those that are over included.
    """

    assignments: tuple[Assignment, ...]
    accounts: tuple[ExchangeOwnership, ...]
    tokens: tuple[ApiToken, ...]
    sessions: tuple[Session, ...]


class Removed(msgspec.Struct, frozen=True):
    """Somebody who is gone, and what they could use until now."""

    person: Person
    could_use: Usable


class People:
    """Everybody."""

    def __init__(self, register: Register, entropy: Entropy) -> None:
        self._register = register
        self._entropy = entropy

    def get(self, person_id: str) -> Person | None:
        """Return one person."""
        return self._register.get(Person, person_id)

    def called(self, login: str) -> Person | None:
        """Return who has this name or mail address."""
        return self._register.person_called(login)

    def listed(self) -> list[Person]:
        """List everybody by name."""
        return sorted(self._register.everything(Person), key=lambda person: person.name)

    def found(self, name: str, mail: str, now_us: int) -> Invited | Refused:
        """Make the first owner; again only while nobody has enrolled, and then the token before is void.

        Args:
            name: What they sign in with.
            mail: Where security mails go.
            now_us: Epoch microseconds.

        Raises:
            StorageError: It could not be stored; then there is no owner.
        """
        held = self._register.everything(Person)
        if any(person.enrolled_us for person in held) or len(held) > 1:
            return Refused("already_founded", "there are people already; an owner invites others")
        refused = name_refused(name) or mail_refused(mail)
        if refused is not None:
            return refused
        gone = [row for person in held for row in (*self._hanging(person.id), person)]
        owner = self._drawn(name, mail, "", "owner", now_us)
        return self._invited(owner, "", now_us, gone)

    def invite(
        self, actor: Person | None, name: str, mail: str, role: Role, now_us: int, phone: str = ""
    ) -> Invited | Refused:
        """Invite somebody. They set their password and first factor with the token, shown this once.

        Args:
            actor: Who invites; None for the host's command line.
            name: Unique, never changed. One that somebody had who was removed is given again by owners only.
            mail: Unique, lower case.
            role: What they will be.
            now_us: Epoch microseconds.
            phone: `+` and digits, or empty.

        Raises:
            StorageError: It could not be stored; then nobody was invited.
        """
        if actor is not None and not may_assign(actor.role, None, role):
            return Refused("not_allowed", f"somebody who is {actor.role} cannot invite somebody as {role}")
        refused = name_refused(name) or mail_refused(mail) or (phone_refused(phone) if phone else None)
        if refused is not None:
            return refused
        if self.called(name) is not None or self.called(mail) is not None:
            return Refused("taken", "somebody has this name or mail address already")
        if self._register.get(FormerName, name) is not None and actor is not None and actor.role != "owner":
            return _FORMER
        if len(self._register.everything(Person)) >= PEOPLE_COUNT_MAX:
            return Refused("too_many", f"there are at most {PEOPLE_COUNT_MAX} people")
        person = self._drawn(name, mail, phone, role, now_us)
        return self._invited(person, "" if actor is None else actor.id, now_us, [])

    def invite_anew(self, actor: Person | None, person_id: str, now_us: int) -> Invited | Refused:
        """Give somebody a fresh start: password, factors, sessions and API tokens go, a new enrolment token comes.

        Returns:
            The invitation; or a refusal: nobody does this to themselves, an admin not to an owner.

        Raises:
            StorageError: It could not be stored; then everything is as it was.
        """
        person = self.get(person_id)
        refused = self._untouchable(actor, person)
        if refused is not None or person is None:
            return refused or _NOBODY
        if actor is not None and actor.id == person.id:
            return Refused("not_allowed", "change your own password and factors instead")
        bare = msgspec.structs.replace(person, password="", password_us=0, enrolled_us=0)
        gone = [row for kind in _WAYS_IN for row in self._register.of_person(kind, person_id)]
        return self._invited(bare, "" if actor is None else actor.id, now_us, gone)

    def invited(self, token: str, now_us: int) -> Person | None:
        """Return whose enrolment token this is; None for one that is unknown, used, over, or of somebody disabled."""
        invitation = self._invitation(token, now_us)
        person = self.get(invitation.person_id) if invitation is not None else None
        return None if person is None or person.disabled_us else person

    def redeem(self, token: str, password: str, now_us: int) -> Person | Refused:
        """Set the first password with an enrolment token, which is thereby used up.

        Args:
            token: As it was shown.
            password: PHC text of the judged and hashed password.
            now_us: Epoch microseconds.

        Raises:
            StorageError: It could not be stored; then the token still works.
        """
        invitation, person = self._invitation(token, now_us), self.invited(token, now_us)
        if invitation is None or person is None:
            return Refused("invitation_over", "this invitation is used or over; ask for a new one")
        named = msgspec.structs.replace(person, password=password, password_us=now_us)
        self._register.write([named], [invitation])
        return named

    def set_password(
        self, person_id: str, password: str, now_us: int, keep_session: str = ""
    ) -> Person | Refused:
        """Store a new password; all other sessions of the person end in the same step.

        Args:
            person_id: Whose.
            password: PHC text of the judged and hashed password.
            now_us: Epoch microseconds.
            keep_session: Id of the session that asked; it goes on.

        Raises:
            StorageError: It could not be stored; then the old one is still right.
        """
        person = self.get(person_id)
        if person is None:
            return _NOBODY
        changed = msgspec.structs.replace(person, password=password, password_us=now_us)
        ending = [one for one in self._register.of_person(Session, person_id) if one.id != keep_session]
        self._register.write([changed], ending)
        return changed

    def set_contact(self, person_id: str, mail: str, phone: str) -> Person | Refused:
        """Change where somebody is reached; what is new is not confirmed."""
        changed = self._with_contact(person_id, mail, phone)
        if isinstance(changed, Person):
            self._register.write([changed])
        return changed

    def confirm_contact(
        self, person_id: str, channel: Channel, address: str, now_us: int
    ) -> Person | Refused:
        """Take an address to which a code was sent that came back, just now.

        Args:
            person_id: Whose.
            channel: `mail` takes it as the mail address, `sms` as the phone number.
            address: The same as before where it is only confirmed.
            now_us: Epoch microseconds.

        Raises:
            StorageError: It could not be stored; then the address before stands.
        """
        person = self.get(person_id)
        if person is None:
            return _NOBODY
        mail, phone = (address, person.phone) if channel == "mail" else (person.mail, address)
        changed = self._with_contact(person_id, mail, phone)
        if isinstance(changed, Refused):
            return changed
        confirmed = (
            msgspec.structs.replace(changed, mail_us=now_us)
            if channel == "mail"
            else msgspec.structs.replace(changed, phone_us=now_us)
        )
        self._register.write([confirmed])
        return confirmed

    def set_role(self, actor: Person | None, person_id: str, role: Role) -> Person | Refused:
        """Give somebody another role, effective at their next request."""
        person = self.get(person_id)
        if person is None:
            return _NOBODY
        if actor is not None and not may_assign(actor.role, person.role, role):
            return Refused(
                "not_allowed", f"somebody who is {actor.role} cannot make {person.role} into {role}"
            )
        if person.role == "owner" and role != "owner" and self._is_last_owner(person):
            return _LAST
        changed = msgspec.structs.replace(person, role=role)
        self._register.write([changed])
        return changed

    def disable(self, actor: Person | None, person_id: str, now_us: int) -> Person | Refused:
        """Refuse somebody from now on; their sessions end, what is assigned to them stays theirs."""
        person = self.get(person_id)
        refused = self._untouchable(actor, person)
        if refused is not None or person is None:
            return refused or _NOBODY
        if self._is_last_owner(person):
            return _LAST
        changed = msgspec.structs.replace(person, disabled_us=person.disabled_us or now_us)
        self._register.write([changed], self._register.of_person(Session, person_id))
        return changed

    def enable(self, actor: Person | None, person_id: str) -> Person | Refused:
        """Let somebody in again."""
        person = self.get(person_id)
        refused = self._untouchable(actor, person)
        if refused is not None or person is None:
            return refused or _NOBODY
        changed = msgspec.structs.replace(person, disabled_us=0)
        self._register.write([changed])
        return changed

    def usable(self, person_id: str) -> Usable:
        """Return what somebody can use now."""
        return Usable(
            assignments=tuple(self._register.of_person(Assignment, person_id)),
            accounts=tuple(self._register.of_person(ExchangeOwnership, person_id)),
            tokens=tuple(self._register.of_person(ApiToken, person_id)),
            sessions=tuple(self._register.of_person(Session, person_id)),
        )

    def remove(self, actor: Person | None, person_id: str) -> Removed | Refused:
        """Remove somebody with everything that is theirs, in one step, and say what they could use.

        Returns:
            Who is gone and what they could use; or why they stay: the last owner does.

        Raises:
            StorageError: It could not be stored; then they and everything of theirs are as before.
        """
        person = self.get(person_id)
        refused = self._untouchable(actor, person)
        if refused is not None or person is None:
            return refused or _NOBODY
        if self._is_last_owner(person):
            return _LAST
        could_use = self.usable(person_id)
        former = FormerName(id=person.name, person_id=person.id)
        self._register.write([former], [*self._hanging(person_id), person])
        return Removed(person, could_use)

    def sweep(self, now_us: int) -> int:
        """Remove invitations that are over; return how many. They were refused before."""
        gone = [one for one in self._register.everything(Invitation) if now_us >= one.expires_us]
        if gone:
            self._register.write([], gone)
        return len(gone)

    def _with_contact(self, person_id: str, mail: str, phone: str) -> Person | Refused:
        """Return somebody as they would be reached; what differs from before is not confirmed."""
        person = self.get(person_id)
        if person is None:
            return _NOBODY
        refused = mail_refused(mail) or (phone_refused(phone) if phone else None)
        if refused is not None:
            return refused
        holder = self.called(mail)
        if holder is not None and holder.id != person.id:
            return Refused("taken", "somebody has this mail address already")
        return msgspec.structs.replace(
            person,
            mail=mail,
            phone=phone,
            mail_us=person.mail_us if mail == person.mail else 0,
            phone_us=person.phone_us if phone == person.phone else 0,
        )

    def _untouchable(self, actor: Person | None, person: Person | None) -> Refused | None:
        if person is None:
            return _NOBODY
        return None if actor is None or may_act_on(actor.role, person.role) else _NOT_YOURS

    def _is_last_owner(self, person: Person) -> bool:
        """Whether no owner who can sign in would remain without this one."""
        if person.role != "owner" or person.disabled_us:
            return False
        others = [
            one for one in self._register.everything(Person) if one.role == "owner" and one.id != person.id
        ]
        able = [one for one in others if not one.disabled_us]
        return not (any(one.enrolled_us for one in able) if person.enrolled_us else able)

    def _drawn(self, name: str, mail: str, phone: str, role: Role, now_us: int) -> Person:
        return Person(
            id=new_id(self._entropy, "p"), name=name, mail=mail, phone=phone, role=role, created_us=now_us
        )

    def _invited(self, person: Person, by: str, now_us: int, gone: list[Row]) -> Invited:
        drawn = draw(self._entropy, ENROLMENT_MARKER)
        invitation = Invitation(
            id=new_id(self._entropy, "i"),
            person_id=person.id,
            digest=drawn.digest,
            created_us=now_us,
            expires_us=now_us + INVITATION_LIFE_MS * 1_000,
            by=by,
        )
        self._register.write([person, invitation], gone)
        return Invited(person, invitation, drawn.text)

    def _invitation(self, token: str, now_us: int) -> Invitation | None:
        digest = digest_of(token, ENROLMENT_MARKER)
        found = self._register.by_digest(Invitation, digest) if digest is not None else None
        return found if found is not None and now_us < found.expires_us else None

    def _hanging(self, person_id: str) -> list[Row]:
        kinds = (*_WAYS_IN, *_REACHES, SignIn)
        return [row for kind in kinds for row in self._register.of_person(kind, person_id)]
