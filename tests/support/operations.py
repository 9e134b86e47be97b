"""The testnet's operations without doors: a venue in memory, accounts, and calls that skip authentication."""

import asyncio
import json
from typing import Any, Final, Self

from watchword.binance.errors import WireError
from watchword.binance.rate_limits import ORDER_LIMITS, RateLimit
from watchword.bootstrap.testnet import Testnet, open_memory_testnet
from watchword.config import read_settings
from watchword.credentials.model import Credential
from watchword.entrypoints.testnet.operations import OPERATIONS, Call
from watchword.exchange.commands import OpenAccount
from watchword.exchange.events import AccountOpened
from watchword.kernel.units import SCALE

#: 2026-01-01T00:00:00Z and half a minute.
START_US: Final = 1_767_225_630_000_000
WINDOW_US: Final = 5_000_000
GRANTS: Final = (("BTC", 100 * SCALE), ("USDT", 10_000_000 * SCALE), ("BNB", 100 * SCALE))


class HandClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.at_us = START_US

    def now_us(self) -> int:
        return self.at_us

    def move(self, seconds: float) -> None:
        self.at_us += int(seconds * 1_000_000)


class Counts:
    """Order counts as a door would show them."""

    def order_counts(self, account_id: int, now_us: int) -> tuple[tuple[RateLimit, int], ...]:
        return tuple((rule, 0) for rule in ORDER_LIMITS)


class Trader:
    """One account and its calls."""

    def __init__(self, floor: "OperationsFloor", account_id: int) -> None:
        self.floor = floor
        self.credential = Credential("k" * 64, account_id, "HMAC", None)  # type: ignore[arg-type]
        self.account_id = account_id

    def raw(self, name: str, **params: Any) -> bytes | WireError:
        """Call an operation; values become texts as a client would write them."""
        return self.floor.call(name, self.credential, params)

    def do(self, name: str, **params: Any) -> Any:
        """Call an operation that must succeed; its decoded JSON."""
        answer = self.raw(name, **params)
        assert isinstance(answer, bytes), answer
        return json.loads(answer)

    def refused(self, name: str, **params: Any) -> tuple[int, str]:
        """Call an operation that must be refused; code and text."""
        answer = self.raw(name, **params)
        assert isinstance(answer, WireError), answer
        return answer.code, answer.text

    def limit(self, side: str, price: str, quantity: str, **more: Any) -> Any:
        return self.do(
            "order.place",
            **{"symbol": "BTCUSDT", "side": side, "type": "LIMIT", "timeInForce": "GTC", "price": price,
               "quantity": quantity, **more},
        )  # fmt: skip


class OperationsFloor:
    """A testnet in memory, its own loop, and traders. Use as a context manager."""

    def __init__(self, **settings: Any) -> None:
        self.clock = HandClock()
        self.loop = asyncio.new_event_loop()
        chosen = {"home": "/nonexistent", "port": 0, "limits_scale": 1.0, "liquidity": False, **settings}
        self.testnet: Testnet = open_memory_testnet(read_settings(**chosen), self.clock)
        self.websocket = False
        self.micros = False
        self.over_order_limit: WireError | None = None
        self.window_us = WINDOW_US
        self.loop.run_until_complete(self.testnet.start())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.loop.run_until_complete(self.testnet.stop())
        self.loop.close()

    def trader(self, name: str = "alice", grants: tuple[tuple[str, int], ...] = GRANTS) -> Trader:
        """Open an account."""

        async def open_account() -> Any:
            return await self.testnet.sequencer.submit(
                lambda sequence, now_us: OpenAccount(sequence, now_us, name, grants),
                lambda _command, applied: applied,
            )

        applied = self.loop.run_until_complete(open_account())
        opened = next(event for event in applied if isinstance(event, AccountOpened))
        return Trader(self, opened.account_id)

    def public(self, name: str, **params: Any) -> Any:
        """Call a public operation that must succeed."""
        answer = self.call(name, None, params)
        assert isinstance(answer, bytes), answer
        return json.loads(answer)

    def public_refused(self, name: str, **params: Any) -> tuple[int, str]:
        """Call a public operation that must be refused."""
        answer = self.call(name, None, params)
        assert isinstance(answer, WireError), answer
        return answer.code, answer.text

    def call(self, name: str, credential: Credential | None, params: dict[str, Any]) -> bytes | WireError:
        """Call any operation as a door would."""
        now_us = self.clock.now_us()
        texts = {key: _text(value) for key, value in params.items()}
        if credential is not None:
            texts |= {"timestamp": str(now_us // 1000), "signature": "00"}
        call = Call(
            texts,
            credential,
            now_us,
            now_us + self.window_us if credential is not None else 0,
            self.micros,
            "127.0.0.1",
            self.websocket,
            self.over_order_limit,
            Counts(),
        )
        return self.loop.run_until_complete(_run(OPERATIONS[name](self.testnet, call)))


async def _run(answer: Any) -> bytes | WireError:
    result: bytes | WireError = await answer
    return result


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)
