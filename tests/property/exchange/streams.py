"""Random but meaningful commands: numbers in, commands out, aimed by the oracle's present state."""

from collections.abc import Sequence
from typing import Any

import msgspec
from tests.property.exchange.oracle import Oracle
from tests.property.exchange.world import Ticket

from watchword.exchange.commands import (
    AnyCommand,
    CancelOpenOrders,
    CancelOrder,
    CancelOrderList,
    CancelReplace,
    Deposit,
    Leg,
    OpenAccount,
    OpenVenue,
    PlaceOco,
    PlaceOrder,
    ResetVenue,
    SetSymbolStatus,
)
from watchword.exchange.instruments import Instrument
from watchword.exchange.listings import default_instruments

NOW_US = 1_763_000_000_000_000
#: Odd on purpose: products of these do not divide by 10^8, so every floor matters.
PRICE = 123_456_789
PRICE_STEP = 7_654_321
LOT = 1_234_567
NUMBERS_PER_COMMAND = 10
ACCOUNTS = 4

MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
#: What a draw does, by weight.
KINDS = (
    ("limit", 36), ("market", 8), ("market_quote", 6), ("maker", 6), ("stop", 10), ("oco", 9), ("cancel", 10),
    ("replace", 8), ("cancel_all", 1), ("cancel_list", 2), ("status", 1), ("deposit", 2), ("reset", 1),
)  # fmt: skip
WHEEL = tuple(kind for kind, weight in KINDS for _ in range(weight))


def instruments() -> tuple[Instrument, ...]:
    """Two symbols that share both assets the other way round, so that holds of both meet in one balance."""
    rows = (("AAABBB", "AAA", "BBB", 0), ("BBBAAA", "BBB", "AAA", 430 * LOT))
    return tuple(
        msgspec.structs.replace(
            default_instruments()[0],
            symbol=symbol,
            base_asset=base,
            quote_asset=quote,
            step_size=LOT,
            min_qty=LOT,
            max_qty=0,
            market_max_qty=60 * LOT,
            max_num_orders=9,
            max_num_algo_orders=4,
            max_num_order_lists=2,
            max_position=position,
        )
        for symbol, base, quote, position in rows
    )


def opening() -> list[AnyCommand]:
    """Open the venue and its accounts: the first two in one trade group, the last one poor."""
    commands: list[AnyCommand] = [OpenVenue(1, NOW_US, 1, liquidity=False, instruments=instruments())]
    for number in range(1, ACCOUNTS + 1):
        amount = 20 * LOT if number == ACCOUNTS else 400 * LOT
        group = 7 if number <= 2 else -1
        grants = (("AAA", amount), ("BBB", amount + number))
        commands.append(OpenAccount(number + 1, NOW_US + number, f"trader {number}", grants, group))
    return commands


def command(numbers: Sequence[int], oracle: Oracle, sequence: int) -> AnyCommand:
    """Turn ten numbers below 2**16 into one command."""
    n = list(numbers)
    kind = WHEEL[n[0] % len(WHEEL)]
    symbol = ("AAABBB", "AAABBB", "BBBAAA")[n[1] % 3]
    account = n[2] % ACCOUNTS + 1
    head = (sequence, NOW_US + sequence * 10)
    mine = oracle.mine(account, symbol)
    if kind == "cancel":
        return CancelOrder(*head, account, symbol, *_aim(n, mine), f"x{sequence}", _restriction(n[6]))
    if kind == "cancel_all":
        return CancelOpenOrders(*head, account, symbol, f"x{sequence}")
    if kind == "cancel_list":
        lists = [t.bundle for t in mine if t.bundle is not None] or [None]
        target = lists[n[3] % len(lists)]
        number = target.number if target is not None and n[4] % 3 else 0
        client = (
            target.client if target is not None and (not number or n[5] % 2) else "nobody"[: 6 * (not number)]
        )
        return CancelOrderList(*head, account, symbol, number, client, f"x{sequence}")
    if kind == "status":
        return SetSymbolStatus(*head, symbol, ("TRADING", "HALT")[not n[3] % 8])
    if kind == "deposit":
        return Deposit(*head, account, ("AAA", "BBB")[n[3] % 2], n[4] * 1001 + 1)
    if kind == "reset":
        return ResetVenue(*head) if not n[3] % 5 else SetSymbolStatus(*head, symbol, "TRADING")
    if kind == "oco":
        return _oco(n, head, account, symbol, sequence, mine)
    terms = _terms(kind, n, account, symbol, sequence, mine)
    if kind == "replace":
        number, client = _aim(n, mine)
        return CancelReplace(
            *head, **terms, cancel_order_id=number, cancel_orig_client_order_id=client,
            cancel_client_order_id=f"x{sequence}", cancel_restriction=_restriction(n[6]),
            mode=("STOP_ON_FAILURE", "ALLOW_FAILURE")[n[3] % 2], over_order_limit=not n[8] % 9,
        )  # fmt: skip
    return PlaceOrder(*head, **terms)


def _terms(
    kind: str, n: list[int], account: int, symbol: str, sequence: int, mine: list[Ticket]
) -> dict[str, Any]:
    terms: dict[str, Any] = {
        "account_id": account,
        "symbol": symbol,
        "side": ("BUY", "SELL")[n[3] % 2],
        "type": "LIMIT",
        "time_in_force": ("GTC", "GTC", "GTC", "GTC", "GTC", "IOC", "FOK")[n[4] % 7],
        "quantity": (n[5] % 30 + 1) * LOT,
        "quote_quantity": 0,
        "price": _price(n[6] % 12 - 6),
        "stop_price": 0,
        "client_order_id": mine[0].client if mine and not n[7] % 20 else f"c{sequence}",
        "stp_mode": MODES[n[8] % 6],
        "strategy_id": 0,
        "strategy_type": 0,
    }
    if kind == "market" or kind == "market_quote":
        terms |= {"type": "MARKET", "price": 0, "time_in_force": "GTC"}
        if kind == "market_quote":
            terms |= {"quantity": 0, "quote_quantity": terms["quantity"] + n[9]}
    elif kind == "maker":
        terms |= {"type": "LIMIT_MAKER", "time_in_force": "GTC"}
    elif kind == "stop" or (kind == "replace" and not n[9] % 4):
        terms["type"] = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")[n[7] % 4]
        terms["stop_price"] = _price(n[9] % 16 - 8)
        if not terms["type"].endswith("LIMIT"):
            terms |= {"price": 0, "time_in_force": "GTC"}
    return terms


def _oco(
    n: list[int], head: tuple[int, int], account: int, symbol: str, sequence: int, mine: list[Ticket]
) -> PlaceOco:
    selling = n[3] % 2 == 1
    away = n[4] % 5 + 1
    near = n[6] % 5 + 1
    profit_kind = ("LIMIT_MAKER", "LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")[n[7] % 4]
    stop_kind = ("STOP_LOSS", "STOP_LOSS_LIMIT")[n[9] % 2]
    sign = 1 if selling else -1
    target, trigger = _price(sign * near), _price(-sign * away)
    profit = Leg(
        profit_kind, "GTC", 0 if profit_kind == "TAKE_PROFIT" else target,
        0 if profit_kind == "LIMIT_MAKER" else _price(sign * (near + n[8] % 2)), f"p{sequence}",
    )  # fmt: skip
    stop = Leg(
        stop_kind, ("GTC", "IOC")[n[5] % 2], _price(-sign * (away + 2)) if stop_kind.endswith("LIMIT") else 0, trigger,
        mine[0].client if mine and not n[1] % 20 else f"s{sequence}",
    )  # fmt: skip
    above, below = (profit, stop) if selling else (stop, profit)
    if not n[2] % 23:
        above, below = below, above
    side = "SELL" if selling else "BUY"
    return PlaceOco(
        *head, account, symbol, side, (n[5] % 20 + 1) * LOT, f"l{sequence}", MODES[n[8] % 6], above, below
    )


def _aim(n: list[int], mine: list[Ticket]) -> tuple[int, str]:
    """An order of the account, by id, by client id or by both; now and then a wrong one."""
    if not mine or not n[4] % 12:
        return (999_999, "") if n[5] % 2 else (0, "nobody")
    target = mine[n[9] % len(mine)]
    return (
        (target.number, ""),
        (0, target.client),
        (target.number, target.client),
        (target.number, "nobody"),
    )[(0, 0, 1, 1, 2, 2, 3)[n[7] % 7]]


def _price(steps: int) -> int:
    return PRICE + steps * PRICE_STEP


def _restriction(number: int) -> str:
    return ("", "", "", "ONLY_NEW", "ONLY_PARTIALLY_FILLED")[number % 5]
