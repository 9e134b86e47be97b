"""Where a person is reached, changed once a code sent to the new address came back. Never sends any, never makes a factor of it.

What waits for its code is in memory only, one change per person: a restart, or a second change, makes the first begin
again. Why apart from second factors: a mail address that is known to be read need not be one that lets anybody in.
"""

from typing import Final

import msgspec

from watchword.accounts.message_codes import SendingPace, draw_code, judge_code
from watchword.accounts.model import Channel, MessageCode, MessageFactor, Person, new_id
from watchword.accounts.naming import address_refused
from watchword.accounts.people import People
from watchword.accounts.ports import Message
from watchword.accounts.refusal import Refused
from watchword.kernel.entropy import Entropy

#: People whose change waits; beyond it the oldest begins again.
WAITING_MAX: Final = 1_000

_NOTHING: Final = Refused("not_found", "no change of yours waits for this code; begin again")
_WRONG: Final = Refused("bad_factor", "the code is not right")


class ContactStart(msgspec.Struct, frozen=True):
    """A change that waits for its code, and the message that holds it."""

    id: str
    message: Message


class ContactChange(msgspec.Struct, frozen=True):
    """What would be changed.

    Attributes:
        id: `n-` and twelve letters and digits.
        channel: `mail` changes the mail address, `sms` the phone number.
        address: The new one; the present one where it is only to be confirmed.
    """

    id: str
    channel: Channel
    address: str


class Contacts:
    """Changes of everybody's mail addresses and phone numbers that wait for a code."""

    def __init__(self, people: People, entropy: Entropy, pace: SendingPace) -> None:
        """Begin with nothing waiting.

        Args:
            people: Have the addresses.
            entropy: For codes.
            pace: Of codes; the same as that of second factors, so that both together are bounded.
        """
        self._people, self._entropy, self._pace = people, entropy, pace
        self._waiting: dict[str, tuple[ContactChange, MessageCode]] = {}

    def start(self, person: Person, channel: Channel, address: str, now_us: int) -> ContactStart | Refused:
        """Draw a code for an address, which the caller sends; what waited before is void.

        Args:
            person: Whose.
            channel: Which address.
            address: The new one, or the present one.
            now_us: Epoch microseconds.
        """
        refused = address_refused(channel, address) or self._taken(person, channel, address)
        refused = refused or self._pace.ask(person.id, now_us)
        if refused is not None:
            return refused
        change = ContactChange(new_id(self._entropy, "n"), channel, address)
        addressee = MessageFactor(id=change.id, person_id=person.id, channel=channel, address=address)
        sent = draw_code(self._entropy, addressee, now_us)
        self._waiting.pop(person.id, None)
        self._waiting[person.id] = (change, sent.row)
        if len(self._waiting) > WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        return ContactStart(change.id, sent.message)

    def waiting(self, person_id: str, change_id: str) -> ContactChange | None:
        """Return the change of this person and id that waits for its code."""
        change, _ = self._waiting.get(person_id, (None, None))
        return change if change is not None and change.id == change_id else None

    def confirm(self, person_id: str, change_id: str, code: str, now_us: int) -> Person | Refused:
        """Make a change whose code came back.

        Args:
            person_id: Whose.
            change_id: From `start`.
            code: As typed.
            now_us: Epoch microseconds.

        Raises:
            StorageError: It could not be stored; then the code is still good.
        """
        change, row = self._waiting.get(person_id, (None, None))
        if change is None or row is None or change.id != change_id:
            return _NOTHING
        verdict = judge_code(row, code, now_us)
        if verdict == "wrong":
            self._waiting[person_id] = (change, msgspec.structs.replace(row, tries=row.tries + 1))
            return _WRONG
        if verdict != "right":
            del self._waiting[person_id]
            return _NOTHING
        changed = self._people.confirm_contact(person_id, change.channel, change.address, now_us)
        del self._waiting[person_id]
        return changed

    def _taken(self, person: Person, channel: Channel, address: str) -> Refused | None:
        holder = self._people.called(address) if channel == "mail" else None
        if holder is None or holder.id == person.id:
            return None
        return Refused("taken", "somebody has this mail address already")
