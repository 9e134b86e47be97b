"""Every port of the gateway, faked: in memory, answering at once, and breakable. For tests of all parts of the gateway.

`Rig()` puts them together with a pipeline and one virtual key; `rig.rest(...)` and `rig.ws(...)` make requests that are
signed as a bot would.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec
from tests.support.policies import NOW_US, market, policy

from watchword.audit.event import Change, Intent, Outcome, Refusal
from watchword.audit.trail import AuditUnavailable, SinkStatus, TrailStatus
from watchword.binance.errors import WireError
from watchword.binance.request import Params, read_params
from watchword.binance.upstreams import Upstream
from watchword.credentials.keypair import hmac_signer, hmac_verifier
from watchword.credentials.model import Credential
from watchword.credentials.payload import rest_payload, ws_payloads
from watchword.credentials.restriction import Restrictions, read_networks
from watchword.credentials.signer import Signer
from watchword.credentials.verifier import KeyType, Verifier
from watchword.gateway.messages import Answer, DoorKind, Header, Inbound, Outbound, Unanswered
from watchword.gateway.order_desk import Ask, OrderDesk, Prepared, Reservation
from watchword.gateway.pipeline import Pipeline
from watchword.gateway.ports import ActiveKey, OrderRecord
from watchword.gateway.reserving import reserved_by_place
from watchword.gateway.virtual_key import KeyVersion, VirtualKey
from watchword.kernel.secret import Secret
from watchword.policy.decision import Allow
from watchword.policy.engine import to_fold
from watchword.policy.intent import Intent as Asked
from watchword.policy.intent import Place
from watchword.policy.policy import Policy
from watchword.policy.references import Market, References
from watchword.policy.rules.permissions import Permissions
from watchword.policy.usage import Closed, Event, Usage, charge_key
from watchword.vault.outcome import NotFound, Sealed
from watchword.vault.record import RealCredential

if TYPE_CHECKING:
    from watchword.credentials.permission import Permission

API_KEY: Final = "WWk1" + "v" * 60
REAL_API_KEY: Final = "R" * 64
IP: Final = "192.0.2.7"
BOT_SECRET: Final = Secret(b"b" * 64)
REAL_SECRET: Final = Secret(b"r" * 64)
DAY_US: Final = 86_400_000_000
ORDER: Final = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=100"


class FakeKeys:
    """`ports.VirtualKeys` with dictionaries."""

    def __init__(self) -> None:
        self.on_changed: list[Callable[[str], None]] = []
        self.credentials: dict[str, Credential] = {}
        self.keys: dict[str, ActiveKey] = {}
        self.touched: list[tuple[str, str, int]] = []
        self.absences: dict[str, str] = {}

    def add(
        self,
        key: VirtualKey,
        layers: Sequence[tuple[str, Policy]],
        verifier: Verifier,
        api_key: str = API_KEY,
        key_type: KeyType = "HMAC",
    ) -> ActiveKey:
        """Make a key known."""
        granted: frozenset[Permission] = frozenset()
        rule = layers[0][1].rules.get("permissions")
        if isinstance(rule, Permissions):
            granted = rule.granted
        self.credentials[api_key] = Credential(
            api_key, 0, key_type, verifier, granted, key.restrictions, key.label
        )
        self.keys[api_key] = ActiveKey(key, tuple(layers))
        return self.keys[api_key]

    def forget(self, api_key: str, why: str = "revoked") -> None:
        """Revoke."""
        self.credentials.pop(api_key, None)
        gone = self.keys.pop(api_key, None)
        self.absences[api_key] = why
        if gone is not None:
            for listener in self.on_changed:
                listener(gone.key.id)

    def find(self, api_key: str) -> Credential | None:
        return self.credentials.get(api_key)

    def active(self, api_key: str) -> ActiveKey | None:
        return self.keys.get(api_key)

    def absence(self, api_key: str) -> str:
        return self.absences.get(api_key, "unknown key")

    def by_id(self, key_id: str) -> VirtualKey | None:
        return next((active.key for active in self.keys.values() if active.key.id == key_id), None)

    def touch(self, key_id: str, ip: str, now_us: int) -> None:
        self.touched.append((key_id, ip, now_us))


class FakeSigners:
    """`ports.Signers`: one credential unless told otherwise."""

    def __init__(self, upstream: Upstream = "local") -> None:
        self.is_sealed = False
        self.records: dict[str, RealCredential] = {}
        self.signers: dict[str, Signer] = {}
        self.lent = 0
        self.add("cred-one", hmac_signer(REAL_SECRET), upstream)

    def add(
        self, credential_id: str, signer: Signer, upstream: Upstream = "local", api_key: str = REAL_API_KEY
    ) -> None:
        """Put a credential into the vault."""
        self.signers[credential_id] = signer
        self.records[credential_id] = RealCredential(
            id=credential_id,
            label=credential_id,
            upstream=upstream,
            key_type=signer.key_type,
            api_key=api_key,
        )

    @property
    def sealed(self) -> bool:
        return self.is_sealed

    def signer_for(self, credential_id: str) -> Signer | Sealed | NotFound:
        self.lent += 1
        if self.is_sealed:
            return Sealed()
        return self.signers.get(credential_id) or NotFound(credential_id)

    def record(self, credential_id: str) -> RealCredential | Sealed | NotFound:
        if self.is_sealed:
            return Sealed()
        return self.records.get(credential_id) or NotFound(credential_id)


class FakeTime:
    """`ports.UpstreamTime` that stands still until it is told."""

    def __init__(self, now_us: int = NOW_US) -> None:
        self.at_us = now_us
        self.why: str | None = None

    def now_us(self) -> int:
        return self.at_us

    def trouble(self) -> str | None:
        return self.why


class FakeMarket:
    """`ports.MarketReferences` with given markets; `unknown` become known once followed."""

    def __init__(self, known: Mapping[str, Market] | None = None) -> None:
        deep = market(100, ((99 * 10**8, 10**12),), ((101 * 10**8, 10**12),))
        self.known: dict[str, Market] = dict(known) if known is not None else {"BTCUSDT": deep}
        self.unknown: dict[str, Market] = {}
        self.followed: list[str] = []

    async def follow(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            self.followed.append(symbol)
            if symbol in self.unknown:
                self.known[symbol] = self.unknown[symbol]

    def references(self, symbols: Iterable[str], now_us: int) -> References:
        return {symbol: self.known[symbol] for symbol in symbols if symbol in self.known}


class FakeLedger:
    """`ports.Ledger` in memory. `fault` is its trouble."""

    def __init__(self) -> None:
        self.usages: dict[str, Usage] = {}
        self.orders: dict[tuple[str, str, str], OrderRecord] = {}
        self.by_number: dict[tuple[str, str, int], OrderRecord] = {}
        self.fault: str | None = None
        self.reservations = 0
        self.is_full = False

    def usage(self, key_id: str) -> Usage:
        return self.usages.get(key_id) or Usage(day=NOW_US // DAY_US)

    def fold(self, key_id: str, event: Event) -> None:
        self.usages[key_id] = self.usage(key_id).fold(event)

    def put_order(self, record: OrderRecord) -> None:
        self.orders[record.credential_id, record.symbol, record.client_order_id] = record
        self.by_number[record.credential_id, record.symbol, record.order_id] = record

    def order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        return self.orders.get((credential_id, symbol, client_order_id))

    def open_order(self, credential_id: str, symbol: str, client_order_id: str) -> OrderRecord | None:
        found = self.order(credential_id, symbol, client_order_id)
        return None if found is None or found.closed else found

    def order_by_id(
        self, credential_id: str, symbol: str, order_id: int, *, on_disk: bool = True
    ) -> OrderRecord | None:
        return self.by_number.get((credential_id, symbol, order_id))

    def orders_of_list(self, credential_id: str, symbol: str, list_id: int) -> Sequence[OrderRecord]:
        wanted = (credential_id, symbol, list_id)
        return [one for one in self.orders.values() if (one.credential_id, one.symbol, one.list_id) == wanted]

    def open_orders(self, credential_id: str | None = None) -> Sequence[OrderRecord]:
        return [
            one for one in self.orders.values()
            if not one.closed and credential_id in {None, one.credential_id}
        ]  # fmt: skip

    def full(self) -> bool:
        return self.is_full

    def trouble(self) -> str | None:
        return self.fault

    def next_reservation(self) -> int:
        self.reservations += 1
        return self.reservations


class FakeTrail:
    """`audit.trail.AuditTrail` as lists. `fault` makes intents refused."""

    def __init__(self) -> None:
        self.rows: list[Intent | Outcome | Refusal | Change] = []
        self.counted: list[tuple[str, str]] = []
        self.fault: str | None = None
        self.on_intent: Callable[[Intent], None] = lambda _intent: None

    @property
    def intents(self) -> list[Intent]:
        """Every recorded intent."""
        return [row for row in self.rows if isinstance(row, Intent)]

    @property
    def outcomes(self) -> list[Outcome]:
        """Every recorded outcome."""
        return [row for row in self.rows if isinstance(row, Outcome)]

    @property
    def refusals(self) -> list[Refusal]:
        """Every recorded refusal."""
        return [row for row in self.rows if isinstance(row, Refusal)]

    async def record_intent(self, intent: Intent) -> int:
        if self.fault is not None:
            raise AuditUnavailable(self.fault)
        self.rows.append(intent)
        self.on_intent(intent)
        return len(self.rows)

    async def record_change(self, change: Change) -> int:
        if self.fault is not None:
            raise AuditUnavailable(self.fault)
        self.rows.append(change)
        return len(self.rows)

    def record_outcome(self, outcome: Outcome) -> None:
        self.rows.append(outcome)

    def record_refusal(self, refusal: Refusal) -> None:
        self.rows.append(refusal)

    def count_refusal(self, reason: str, origin: str) -> None:
        self.counted.append((reason, origin))

    def unavailable(self, *, only_cancels: bool) -> str | None:
        return self.fault

    def status(self) -> TrailStatus:
        return TrailStatus(len(self.rows), (SinkStatus("memory", self.fault, len(self.rows)),), 0)


OK: Final = Answer(status=200, body=b'{"symbol":"BTCUSDT","orderId":7,"status":"NEW"}')
Saying = Answer | Unanswered | BaseException


class FakeLink:
    """`ports.Link` that keeps what it was given, and answers OK or what was put into `answers`."""

    def __init__(self, door: DoorKind = "rest", *answers: Saying) -> None:
        self.door: DoorKind = door
        self.sent: list[Outbound] = []
        self.answers: deque[Saying] = deque(answers)
        self.on_send: Callable[[Outbound], None] = lambda _request: None

    async def send(self, request: Outbound) -> Answer | Unanswered:
        self.sent.append(request)
        self.on_send(request)
        said = self.answers.popleft() if self.answers else OK
        if isinstance(said, BaseException):
            raise said
        return said


class FakeDesk(OrderDesk):
    """Reserves as the real desk does, and otherwise lets everything through. `refuses` answers for a name."""

    def __init__(self, ledger: FakeLedger) -> None:
        self.ledger = ledger
        self.refuses: dict[str, WireError] = {}
        self.observed: list[tuple[str, str, int]] = []
        self.given_back: list[Reservation] = []
        self.hidden: Answer | None = None
        self.drawn = 0

    def prepare(self, key: ActiveKey, name: str, params: Params) -> Prepared | WireError:
        if name not in {"order.place", "sor.order.place", "order.test"}:
            return Prepared(params)
        if "newClientOrderId" not in params:
            self.drawn += 1
            params = {**params, "newClientOrderId": f"ww{self.drawn:020}"}
        return Prepared(params, params["newClientOrderId"])

    async def permit(self, key: ActiveKey, name: str, params: Params, ask: Ask) -> Params | WireError:
        return self.refuses.get(name, params)

    def reserve(
        self, key: ActiveKey, intent: Asked, allowed: Sequence[Allow], now_us: int
    ) -> Reservation | WireError:
        ids: list[str] = []
        number, reserved = self.ledger.next_reservation(), None
        if isinstance(intent, Place) and not intent.dry:
            reserved = reserved_by_place(key, intent, allowed, number, now_us)
        for (key_id, _), allow in zip(key.layers, allowed, strict=True):
            event = to_fold(intent, allow, now_us)
            if event is not None:
                self.ledger.fold(key_id, event)
        symbol = getattr(intent, "symbol", "")
        for order in getattr(intent, "orders", ()) if not getattr(intent, "dry", False) else ():
            ids.append(order.client_order_id)
            self.ledger.put_order(
                OrderRecord(
                    key.key.credential_id, symbol, order.client_order_id, key.key.id,
                    charge_key(symbol, order.client_order_id), side=order.side,
                    ancestor_ids=tuple(key_id for key_id, _ in key.layers[1:]),
                )
            )  # fmt: skip
        return Reservation(key.key.credential_id, symbol, tuple(ids), reserved)

    def give_back(self, reservation: Reservation, now_us: int) -> None:
        self.given_back.append(reservation)
        for one in reservation.client_order_ids:
            record = self.ledger.order(reservation.credential_id, reservation.symbol, one)
            assert record is not None
            self.ledger.put_order(msgspec.structs.replace(record, closed=True))
            for key_id in (record.key_id, *record.ancestor_ids):
                self.ledger.fold(key_id, Closed(now_us, record.charge_key))

    def observe(self, credential_id: str, name: str, params: Params, answer: Answer, now_us: int) -> None:
        self.observed.append((credential_id, name, answer.status))

    def narrow(self, key: ActiveKey, name: str, answer: Answer) -> Answer | WireError:
        return self.hidden or answer

    def observe_event(self, credential_id: str, event: bytes, now_us: int) -> None:
        return None

    def admit_event(self, key: ActiveKey, event: bytes, now_us: int) -> bytes | None:
        return event

    async def cancel_all(self, key: ActiveKey, params: Params, ask: Ask) -> Answer | WireError:
        answer = await ask("order.cancel", {"symbol": params["symbol"], "orderId": "7"})
        return answer if isinstance(answer, Answer) else WireError(-2011, "Unknown order sent.")


class CountingEntropy:
    """`kernel.entropy.Entropy` that never repeats and always gives the same."""

    def __init__(self) -> None:
        self.count = 0

    def token(self, size_bytes: int) -> bytes:
        self.count += 1
        return bytes((self.count * 7 + index * 13) % 248 for index in range(size_bytes))


def virtual_key(**more: Any) -> VirtualKey:
    """A key like most: HMAC, own orders only."""
    return VirtualKey(
        **{
            "id": "vk-abcdefghijkl",
            "label": "bot",
            "credential_id": "cred-one",
            "versions": (KeyVersion(api_key=API_KEY, key_type="HMAC"),),
            "policy_name": "test",
            "policy_text": "",
            "policy_digest": "d" * 64,
        }
        | more
    )


def only_from(*entries: str) -> Restrictions:
    """Restrictions to addresses."""
    networks = read_networks(entries)
    assert isinstance(networks, tuple)
    return Restrictions(networks)


class Rig:
    """A pipeline over fakes, with one HMAC virtual key on one credential. `real_desk` takes the real order desk."""

    def __init__(
        self, rules: str = "", key: VirtualKey | None = None, *, real_desk: bool = False, **more: Any
    ) -> None:
        self.keys, self.signers, self.trail = FakeKeys(), FakeSigners(), FakeTrail()
        self.time, self.market, self.ledger = FakeTime(), FakeMarket(), FakeLedger()
        self.desk, self.link, self.ws_link = FakeDesk(self.ledger), FakeLink(), FakeLink("ws")
        self.signer: Signer = hmac_signer(BOT_SECRET)
        made = key or virtual_key()
        self.active = self.keys.add(made, ((made.id, policy(rules)),), hmac_verifier(BOT_SECRET))
        self.pipeline = Pipeline(
            upstream="local", keys=self.keys, signers=self.signers, trail=self.trail, time=self.time,
            market=self.market, ledger=self.ledger, entropy=CountingEntropy(),
            desk=OrderDesk(self.ledger, CountingEntropy()) if real_desk else self.desk, **more,
        )  # fmt: skip

    def rest(
        self,
        method: str,
        path: str,
        query: str = "",
        *,
        body: str = "",
        timestamp: int | None = None,
        signed: bool = True,
        window: int = 5000,
        api_key: str | None = API_KEY,
        ip: str = IP,
        passing: tuple[Header, ...] = (),
    ) -> Inbound:
        """One REST request."""
        if signed:
            moment = self.time.at_us // 1000 if timestamp is None else timestamp
            query = "&".join(part for part in (query, f"recvWindow={window}", f"timestamp={moment}") if part)
            query += "&signature=" + quote(self.signer.sign((query + body).encode()), safe="")
        raw, raw_body = query.encode(), body.encode()
        params = read_params(raw, raw_body)
        assert isinstance(params, dict), params
        payload, signature = rest_payload(raw, raw_body)
        return Inbound(
            door="rest", method=method, path=path, params=params, ip=ip, raw_query=raw, raw_body=raw_body,
            payloads=(payload,), signature=signature, api_key=api_key, passing=passing,
        )  # fmt: skip

    def order(self, more: str = "", **how: Any) -> Inbound:
        """A LIMIT order at the median, over REST."""
        return self.rest("POST", "/api/v3/order", ORDER + more, **how)

    def ws(
        self,
        method: str,
        params: Params | None = None,
        *,
        signed: bool = True,
        api_key: str | None = API_KEY,
        logged_on: bool = False,
        timestamp: int | None = None,
        ip: str = IP,
    ) -> Inbound:
        """One WebSocket API request."""
        given = dict(params or {})
        payloads: tuple[bytes, ...] = ()
        signature: str | None = None
        if signed or logged_on:
            given["timestamp"] = str(self.time.at_us // 1000 if timestamp is None else timestamp)
        if signed and not logged_on:
            payloads = ws_payloads({**given, "apiKey": api_key or ""})
            signature = given["signature"] = self.signer.sign(payloads[0])
        return Inbound(
            door="ws", method="", path=method, params=given, ip=ip, payloads=payloads, signature=signature,
            api_key=api_key, logged_on=logged_on,
        )  # fmt: skip

    async def send(self, inbound: Inbound) -> Any:
        """Handle a request over the link of its door."""
        return await self.pipeline.handle(inbound, self.link if inbound.door == "rest" else self.ws_link)


def wire_of(reply: Any) -> tuple[int, int]:
    """HTTP status and code of a refusal."""
    return reply.wire.http_status, reply.wire.code
