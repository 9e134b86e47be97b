"""The replay guard: what a bot signed is good for one request. Kept in memory, read back from the trail at a start.

Why: Binance signs neither method nor path, so a captured `order/test`, or a read, would otherwise pass as an order or a
cancel. The identical request again is an honest client's retry: it gets the recorded reply, and never acts twice.

Holds digests, not payloads. Never decides whether a request is authentic: that was asked before.
"""

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final, final

import msgspec

from watchword.audit.chain import read_line
from watchword.audit.event import Intent, Refusal, decode_event
from watchword.credentials.timing import AHEAD_US_MAX, RECV_WINDOW_US_MAX
from watchword.gateway.messages import Refused, Reply
from watchword.gateway.refusal import GUARD_FULL, IN_FLIGHT, REPLAYED

#: Kept so much longer than the request's own time, for a clock that is corrected backwards.
MARGIN_US: Final = 1_000_000
#: How far back the trail is read at a start: no request lives longer.
LOOK_BACK_US: Final = RECV_WINDOW_US_MAX + AHEAD_US_MAX + MARGIN_US
ENTRIES_COUNT_MAX: Final = 400_000
ENTRIES_PER_KEY_COUNT_MAX: Final = 100_000
#: A longer reply is not kept for a retry.
REPLY_BYTES_MAX: Final = 262_144
REPLIES_BYTES_MAX: Final = 33_554_432
#: Of one kept reply, besides its body and headers.
REPLY_OVERHEAD_BYTES: Final = 300
#: What one header of a kept reply is taken for.
HEADER_BYTES: Final = 200
DIGEST_BYTES: Final = 16
#: Reads that one client signs at once may be alike in every signed byte; so long after the first one they are let in.
TOGETHER_US: Final = 1_000_000
#: Places of reads that share their bytes.
TOGETHER_COUNT_MAX: Final = 16
#: Entries end together in slots of 2^16 us.
SLOT_SHIFT: Final = 16


@final
class Entry(msgspec.Struct, gc=False):
    """One signed request.

    Attributes:
        place: Where it came in: method and path, or the WebSocket method.
        key_id: Whose it is.
        digests: Of everything its bot may have signed; held under these with the key's id behind them.
        reply: What was answered; None while that is not known, or not kept.
        settled: Whether it was answered.
        bytes_kept: What `reply` counts for.
        read_from: For a read, the address it came from; empty for everything else.
        entered_us: When it came in.
        together: Other reads of the same bytes, by place.
    """

    place: str
    key_id: str
    digests: tuple[str, ...]
    reply: Reply | None = None
    settled: bool = False
    bytes_kept: int = 0
    read_from: str = ""
    entered_us: int = 0
    together: "dict[str, Entry] | None" = None

    @property
    def reply_name(self) -> str:
        """Under which its reply is kept."""
        return self.digests[0] + self.key_id + self.place

    @property
    def replay(self) -> str:
        """The digests as the trail keeps them."""
        return "".join(self.digests)


@final
class ReplayGuard:
    """All signed requests whose time is not over."""

    def __init__(self) -> None:
        """Start empty; `restore` brings back what the process before had seen."""
        self._entries: dict[str, Entry] = {}
        self._due: dict[int, list[Entry]] = {}
        self._per_key: dict[str, int] = {}
        self._replies: OrderedDict[str, Entry] = OrderedDict()
        self._bytes = 0
        self._slot = 0

    def __len__(self) -> int:
        """Count the digests held."""
        return len(self._entries)

    def enter(
        self,
        key_id: str,
        payloads: tuple[bytes, ...],
        place: str,
        deadline_us: int,
        now_us: int,
        read_from: str = "",
    ) -> Entry | Reply:
        """Let a request in that is authentic, or say what it gets instead.

        Args:
            key_id: The virtual key's; its versions share what they signed.
            payloads: The byte strings the bot may have signed, at least one. Each counts as used.
            place: Method and path, or the WebSocket method.
            deadline_us: When the request's time is over, epoch microseconds.
            now_us: Epoch microseconds.
            read_from: For a read of the account, the caller's address; empty for everything else.

        Returns:
            An entry to be settled; or, where any of the payloads was used before, the reply recorded for the same
            place, -1007 while there is none, or the refusal for another place.

        Why reads may share bytes for a moment: a client that asks for two things at once signs the same milliseconds
        and parameters for both (docs/decisions/0009-reads-signed-at-once.md). What changes anything never shares.
        """
        slot = now_us >> SLOT_SHIFT
        if slot > self._slot:
            self._sweep(slot)
        entries = self._entries
        digests = tuple([blake2b(payload, digest_size=DIGEST_BYTES).hexdigest() for payload in payloads])
        for digest in digests:
            seen = entries.get(digest + key_id)
            if seen is not None:
                if seen.place != place:
                    return _together(seen, place, read_from, now_us)
                return IN_FLIGHT if seen.reply is None else seen.reply
        if len(entries) >= ENTRIES_COUNT_MAX or self._per_key.get(key_id, 0) >= ENTRIES_PER_KEY_COUNT_MAX:
            return GUARD_FULL
        entry = Entry(place, key_id, digests, read_from=read_from, entered_us=now_us)
        self._keep(entry, deadline_us)
        return entry

    def settle(self, entry: Entry, reply: Reply | None) -> None:
        """Record what a request got.

        Args:
            entry: As `enter` gave it.
            reply: The reply; None where what became of the request is not known.
        """
        if reply is None or entry.settled:
            return
        size = _size(reply)
        if size > REPLY_BYTES_MAX:
            return
        entry.reply, entry.settled, entry.bytes_kept = reply, True, size
        self._replies[entry.reply_name] = entry
        self._bytes += size
        while self._bytes > REPLIES_BYTES_MAX:
            self._drop_reply(next(iter(self._replies.values())))

    def restore(self, lines: Iterable[bytes], since_us: int) -> int:
        """Read back what the process before had seen.

        Args:
            lines: Of the trail, the last one first.
            since_us: LOOK_BACK_US before now, by the machine's clock. Rows older than this are not looked at, unless they
                are within LOOK_BACK_US of the last row: the clock may have been set between the two processes.

        Returns:
            How many requests are guarded.
        """
        found, last_us = 0, 0
        for line in lines:
            row = read_line(line)
            if row is None:
                continue
            last_us = last_us or row.now_us
            if row.now_us < min(since_us, last_us - LOOK_BACK_US):
                break
            event = decode_event(row.body)
            if isinstance(event, Intent | Refusal) and event.replay:
                self._keep(Entry(event.endpoint, event.key, _parted(event.replay)), event.deadline_us)
                found += 1
        return found

    def _keep(self, entry: Entry, deadline_us: int) -> None:
        for digest in entry.digests:
            self._entries[digest + entry.key_id] = entry
        self._per_key[entry.key_id] = self._per_key.get(entry.key_id, 0) + 1
        slot = (deadline_us + MARGIN_US >> SLOT_SHIFT) + 1
        due = self._due.get(slot)
        if due is None:
            self._due[slot] = [entry]
        else:
            due.append(entry)

    def _sweep(self, slot: int) -> None:
        """Forget what ended in slots before this one."""
        due = self._due
        self._slot = slot
        for over in [one for one in due if one < slot]:
            for entry in due.pop(over):
                self._forget(entry)

    def _forget(self, entry: Entry) -> None:
        for digest in entry.digests:
            if self._entries.get(digest + entry.key_id) is entry:
                del self._entries[digest + entry.key_id]
        left = self._per_key.get(entry.key_id, 0) - 1
        if left > 0:
            self._per_key[entry.key_id] = left
        else:
            self._per_key.pop(entry.key_id, None)
        for one in (entry, *(entry.together or {}).values()):
            self._drop_reply(one)

    def _drop_reply(self, entry: Entry) -> None:
        """Let a reply go; a retry then learns no more than that its request was seen."""
        self._replies.pop(entry.reply_name, None)
        self._bytes -= entry.bytes_kept
        entry.reply, entry.bytes_kept = None, 0


def _together(seen: Entry, place: str, read_from: str, now_us: int) -> Entry | Reply:
    """Let another read of the same bytes in, once for each place; refuse everything else."""
    if not read_from or read_from != seen.read_from or now_us - seen.entered_us > TOGETHER_US:
        return REPLAYED
    if seen.together is None:
        seen.together = {}
    other = seen.together.get(place)
    if other is not None:
        return IN_FLIGHT if other.reply is None else other.reply
    if len(seen.together) >= TOGETHER_COUNT_MAX:
        return REPLAYED
    made = seen.together[place] = Entry(place, seen.key_id, seen.digests)
    return made


def _parted(text: str) -> tuple[str, ...]:
    length = 2 * DIGEST_BYTES
    return tuple([text[start : start + length] for start in range(0, len(text), length)])


def _size(reply: Reply) -> int:
    if type(reply) is Refused:
        return REPLY_OVERHEAD_BYTES + len(reply.wire.text)
    return REPLY_OVERHEAD_BYTES + len(reply.body) + HEADER_BYTES * len(reply.headers)
