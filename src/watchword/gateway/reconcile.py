"""Finds out what became of requests whose outcome is not known, and of open orders after a gap in the event stream.

Asks and records; never sends a change, whatever the answer. One question at a time, so that it cannot use up the
budgets of the bots.
"""

from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Final

import msgspec

from watchword.audit.event import Intent, Outcome
from watchword.audit.trail import AuditTrail
from watchword.binance.request import Params
from watchword.gateway.answers import (
    CLOSED_STATUSES,
    NO_SUCH_ORDER_CODE,
    Row,
    error_code,
    outcome_unknown,
    read_rows,
    unpacked,
)
from watchword.gateway.client_ids import ids_in
from watchword.gateway.messages import Answer, Refused, Unanswered
from watchword.gateway.order_desk import REPLACE, OrderDesk
from watchword.gateway.ports import Ledger, OrderRecord
from watchword.gateway.questions import (
    FIRST_WAIT_US,
    Question,
    askable,
    endpoint_name,
    only_reads,
    order_queries,
    order_query,
    record_asked,
)

#: Sends one signed query on a key's account: credential id, key id, endpoint name, parameters without authentication.
AskFor = Callable[[str, str, str, Params], Awaitable[Answer | Refused | Unanswered]]
Sleep = Callable[[float], Awaitable[None]]

STEP_S: Final = 0.5
WAIT_US_MAX: Final = 60_000_000
#: The exchange takes at most ten seconds over a request; past its deadline and so long again it is not coming.
#: Source: rest-api.md, "APIs have a timeout of 10 seconds when processing a request".
GRACE_US: Final = 10_000_000
#: The longest recvWindow there is: an order of which nothing else is known was dead on arrival after so long.
WINDOW_US_MAX: Final = 60_000_000
#: Requests asked about at once; beyond it only their orders are, with the sweeps.
QUESTIONS_COUNT_MAX: Final = 4_096
#: Open orders are compared with the exchange's at least so often.
SWEEP_EVERY_US: Final = 900_000_000
#: Above so many open orders on a symbol the exchange's list is asked for first.
LIST_FROM_COUNT: Final = 2
SUCCESS: Final = 200
#: -2026: it was cancelled or expired unfilled, and so long ago that it is not kept. Source: errors.md.
ARCHIVED_CODE: Final = -2026
STATUS: Final = "order.status"
OPEN: Final = "openOrders.status"
NOT_ASKED: Final = "the process ended before the outcome was recorded; it cannot be asked about"
READ: Final = "the process ended before the answer was recorded; a read changed nothing"


class Reconciler:
    """See the module. One per gateway process; `run` it beside the doors.

    When unavailable: orders keep their reservations, which errs on the side of refusing.
    """

    def __init__(
        self,
        desk: OrderDesk,
        ledger: Ledger,
        trail: AuditTrail,
        ask: AskFor,
        now_us: Callable[[], int],
        sleep: Sleep,
    ) -> None:
        """Take the parts.

        Args:
            desk: Learns what the answers say.
            ledger: Says which orders are open.
            trail: Takes the second outcome rows.
            ask: Sends a query; refused while the vault is sealed, which is then tried again.
            now_us: Upstream's time.
            sleep: Waits so many seconds.
        """
        self._desk, self._ledger, self._trail = desk, ledger, trail
        self._ask, self._now_us, self._sleep = ask, now_us, sleep
        self._questions: dict[int, Question] = {}
        self._due_us: dict[str, int] = {}
        self._waits_us: dict[str, int] = {}
        self._swept_us = now_us()

    @property
    def open_questions(self) -> int:
        """How many requests are being asked about."""
        return len(self._questions)

    def unknown(self, row: int, intent: Intent) -> None:
        """Note a request whose outcome was just recorded as unknown."""
        self._wonder(row, intent, left_open=False, wait_us=FIRST_WAIT_US)

    def restarted(self, unconcluded: Mapping[int, Intent], doubtful: Container[int] = ()) -> None:
        """Note what the process before left open: its intents without an outcome, and its open orders.

        Args:
            unconcluded: Intents whose outcome is not recorded, or recorded as unknown, by row.
            doubtful: Those of the latter kind: where nobody can be asked, nothing more is said about them.
        """
        for row, intent in unconcluded.items():
            self._wonder(row, intent, left_open=row not in doubtful, wait_us=0)
        for record in self._ledger.open_orders():
            self.interrupted(record.credential_id)

    def interrupted(self, credential_id: str) -> None:
        """Note that events of an account may have been missed: its open orders are compared with the exchange's."""
        self._due_us.setdefault(credential_id, self._now_us())

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            await self.step()
            await self._sleep(STEP_S)

    async def step(self) -> None:
        """Ask what is due, once."""
        now_us = self._now_us()
        for question in [one for one in self._questions.values() if one.due_us <= now_us]:
            await self._resolve(question)
        if now_us - self._swept_us >= SWEEP_EVERY_US:
            self._swept_us = now_us
            for record in self._ledger.open_orders():
                self.interrupted(record.credential_id)
        for credential_id in [one for one, due_us in self._due_us.items() if due_us <= now_us]:
            await self._sweep(credential_id)

    def _wonder(self, row: int, intent: Intent, *, left_open: bool, wait_us: int) -> None:
        """Ask about a request later; conclude one left open where nobody can be asked."""
        name = endpoint_name(intent.endpoint)
        if askable(name, intent) and len(self._questions) < QUESTIONS_COUNT_MAX:
            self._questions[row] = Question(row, intent, name, self._now_us() + wait_us)
        elif left_open:
            self._conclude(row, "unknown", note=READ if only_reads(name) else NOT_ASKED)

    async def _resolve(self, question: Question) -> None:
        """Ask about one request; done once every order it is about is accounted for."""
        intent = question.intent
        answers: list[str] = []
        order_id = ""
        for params in order_queries(self._ledger, question):
            answer = await self._ask(intent.credential, intent.key, STATUS, params)
            said = self._read(intent.credential, params, answer, intent.deadline_us)
            if said is None:
                self._later(question)
                return
            if said.status and not self._final(question, said):
                self._later(question)
                return
            answers.append(said.status or "not there")
            order_id = order_id or (str(said.order_id) if said.order_id else "")
        self._questions.pop(question.row, None)
        if question.name == REPLACE:
            self.interrupted(intent.credential)  # the order it was to take off
        placed = any(said != "not there" for said in answers)
        code = 0 if placed else NO_SUCH_ORDER_CODE
        note = f"asked later: {', '.join(answers)}"
        self._conclude(question.row, "answered", SUCCESS if placed else 400, code, order_id, note)

    def _final(self, question: Question, said: Row) -> bool:
        """Whether an order that is there says how the request ended: a cancel may still be on its way to an open one."""
        if said.status in CLOSED_STATUSES or ids_in(question.name, question.intent.parameters):
            return True
        return self._now_us() > question.intent.deadline_us + GRACE_US

    def _read(
        self, credential_id: str, params: Params, answer: Answer | Refused | Unanswered, deadline_us: int
    ) -> Row | None:
        """Learn from an answer about one order; None where it says nothing yet."""
        if not isinstance(answer, Answer) or outcome_unknown(answer):
            return None
        said: Row | None = None
        if answer.status == SUCCESS:
            said = self._learned(credential_id, params, answer)
            if said is None:
                return None
        record = record_asked(self._ledger, credential_id, params)
        # Still without an id: the exchange told of an older order that had the same name.
        missed = record is not None and not record.order_id
        if said is not None and not missed:
            return said
        code, now_us = error_code(answer), self._now_us()
        gone = missed if said is not None else code == NO_SUCH_ORDER_CODE
        if code != ARCHIVED_CODE and not (gone and now_us > deadline_us + GRACE_US):
            return None
        if record is not None:
            self._desk.conclude(record, now_us)
        return Row()

    def _learned(self, credential_id: str, params: Params, answer: Answer) -> Row | None:
        """Have the desk learn from an order the exchange described; None where it cannot be read."""
        body = unpacked(answer)
        rows = read_rows(body) if body is not None else None
        if not isinstance(rows, Row):
            return None
        self._desk.observe(credential_id, STATUS, params, answer, self._now_us())
        return rows

    def _later(self, question: Question) -> None:
        wait_us = min(question.wait_us * 2, WAIT_US_MAX)
        due_us = self._now_us() + question.wait_us
        self._questions[question.row] = msgspec.structs.replace(question, due_us=due_us, wait_us=wait_us)

    def _conclude(
        self, row: int, result: str, status: int = 0, code: int = 0, order_id: str = "", note: str = ""
    ) -> None:
        self._trail.record_outcome(
            Outcome(
                intent=row,
                result="answered" if result == "answered" else "unknown",
                status=status,
                code=code,
                order_id=order_id,
                note=note,
            )
        )

    async def _sweep(self, credential_id: str) -> None:
        """Compare an account's open orders with the exchange's."""
        by_symbol: dict[str, list[OrderRecord]] = {}
        for record in self._ledger.open_orders(credential_id):
            by_symbol.setdefault(record.symbol, []).append(record)
        whole = True
        for symbol, records in by_symbol.items():
            whole = await self._sweep_symbol(credential_id, symbol, records) and whole
        if whole:
            self._due_us.pop(credential_id, None)
            self._waits_us.pop(credential_id, None)
            return
        wait_us = self._waits_us.get(credential_id, FIRST_WAIT_US)
        self._waits_us[credential_id] = min(wait_us * 2, WAIT_US_MAX)
        self._due_us[credential_id] = self._now_us() + wait_us

    async def _sweep_symbol(self, credential_id: str, symbol: str, records: list[OrderRecord]) -> bool:
        """Ask about the open orders of one symbol; False where something is left to ask."""
        listed: frozenset[int] = frozenset()
        if len(records) >= LIST_FROM_COUNT:
            query: Params = {"symbol": symbol}
            answer = await self._ask(credential_id, records[0].key_id, OPEN, query)
            if not isinstance(answer, Answer) or answer.status != SUCCESS:
                return False
            self._desk.observe(credential_id, OPEN, query, answer, self._now_us())
            body = unpacked(answer)
            rows = read_rows(body) if body is not None else None
            if isinstance(rows, list):
                listed = frozenset(row.order_id for row in rows)
        whole = True
        for before in records:
            record = self._ledger.open_order(credential_id, symbol, before.client_order_id)
            if record is None or record.closed or (record.order_id and record.order_id in listed):
                continue
            params = order_query(self._ledger, credential_id, symbol, record.client_order_id)
            answer = await self._ask(credential_id, record.key_id, STATUS, params)
            deadline_us = record.placed_us + WINDOW_US_MAX
            whole = self._read(credential_id, params, answer, deadline_us) is not None and whole
        return whole
