"""Finding rows: filters for people, and the intents nobody concluded. Never checks a digest; `verify` does."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from watchword.audit.chain import Row, read_line
from watchword.audit.event import Intent, Outcome, decode_event
from watchword.audit.words import words_in, words_of

#: How far back a start looks for intents without an outcome.
UNCONCLUDED_ROWS_MAX: Final = 20_000

_any: Final = msgspec.json.Decoder()


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a row must be like; None asks for nothing.

    Attributes:
        kind: Its type, or the part of it before a colon.
        key, endpoint, symbol, request: Equal to the event's; a `key` may be given by its beginning.
        actor: Who made a change.
        rule: What refused.
        code: The exchange's code of an outcome, or the one a refused bot saw.
        text: All its words are in the event; whole words, without case.
        intent: This row, and every outcome of it.
        since_us, until_us: Its time lies in between, both included.
    """

    kind: str | None = None
    key: str | None = None
    endpoint: str | None = None
    symbol: str | None = None
    request: str | None = None
    actor: str | None = None
    rule: str | None = None
    code: int | None = None
    text: str | None = None
    intent: int | None = None
    since_us: int | None = None
    until_us: int | None = None

    def takes(self, row: Row, event: dict[str, Any]) -> bool:
        """Whether a row is asked for.

        Args:
            row: The row.
            event: Its body as `event_fields` reads it.
        """
        if self.since_us is not None and row.now_us < self.since_us:
            return False
        if self.until_us is not None and row.now_us > self.until_us:
            return False
        kind = str(event.get("type", ""))
        if self.kind is not None and kind != self.kind and not kind.startswith(self.kind + ":"):
            return False
        if self.key is not None and not subject_of(event).startswith(self.key):
            return False
        if self.intent is not None and self.intent not in {row.number, event.get("intent")}:
            return False
        return all(
            wanted is None or wanted == found
            for wanted, found in (
                (self.endpoint, event.get("endpoint")),
                (self.request, event.get("request")),
                (self.symbol, symbol_of(event)),
                (self.actor, event.get("actor")),
                (self.rule, event.get("rule")),
                (self.code, event.get("code")),
            )
        ) and (self.text is None or words_of(event).issuperset(words_in(self.text)))


def subject_of(event: dict[str, Any]) -> str:
    """Say which key an event is about: what somebody changed about a key is about that key too."""
    return str(event.get("key") or event.get("subject") or "")


def symbol_of(event: dict[str, Any]) -> object:
    """Return the symbol a request was for, or None."""
    parameters = event.get("parameters")
    return parameters.get("symbol") if isinstance(parameters, dict) else None


def event_fields(row: Row) -> dict[str, Any]:
    """Read a body as it stands, also one of a newer version; a damaged one gives its text under `damaged`."""
    try:
        fields = _any.decode(row.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {"damaged": row.body.decode("utf-8", "backslashreplace")}
    return fields if isinstance(fields, dict) else {"damaged": str(fields)}


def search(lines: Iterable[bytes], wanted: Filter) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Yield the rows asked for, with their events. Lines that are no rows are passed over."""
    for line in lines:
        row = read_line(line)
        if row is not None:
            event = event_fields(row)
            if wanted.takes(row, event):
                yield row, event


def unconcluded(lines: Iterable[bytes]) -> dict[int, Intent]:
    """Find the intents whose outcome is not recorded, or recorded as unknown.

    Args:
        lines: The last rows, in order.

    Returns:
        Row → intent. Whether these were sent is for the gateway to find out, by their client order ids.
    """
    return open_intents(lines)[0]


def open_intents(lines: Iterable[bytes]) -> tuple[dict[int, Intent], set[int]]:
    """Find what `unconcluded` finds, and which of these rows have an outcome that says unknown."""
    found: dict[int, Intent] = {}
    doubtful: set[int] = set()
    for line in lines:
        row = read_line(line)
        event = decode_event(row.body) if row is not None else None
        if isinstance(event, Intent) and row is not None:
            found[row.number] = event
        elif isinstance(event, Outcome) and event.result == "unknown":
            doubtful.add(event.intent)
        elif isinstance(event, Outcome):
            found.pop(event.intent, None)
    return found, doubtful & found.keys()
