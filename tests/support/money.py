"""Commands about money and address books, submitted to a testnet in memory as its operator would."""

from typing import Any, Final

import msgspec
from tests.support.operations import OperationsFloor, Trader

from watchword.binance.errors import WireError
from watchword.credentials.restriction import Restrictions, read_networks
from watchword.exchange.commands import AllowAddress, Deposit

ADDRESS: Final = "0xfeed"
NETWORK: Final = "TESTNET"


def submit(floor: OperationsFloor, kind: type[Any], *fields: object, **named: object) -> Any:
    """Journal and apply one command; its events."""

    async def run() -> Any:
        return await floor.testnet.sequencer.submit(
            lambda sequence, now_us: kind(sequence, now_us, *fields, **named),
            lambda _command, applied: applied,
        )

    applied = floor.loop.run_until_complete(run())
    assert not isinstance(applied, WireError), applied
    return applied


def allow(floor: OperationsFloor, trader: Trader, asset: str, address: str = ADDRESS, name: str = "") -> None:
    """Enter an address into a trader's book."""
    submit(floor, AllowAddress, trader.account_id, asset, NETWORK, address, name=name)


def pay_in(floor: OperationsFloor, trader: Trader, asset: str, amount: int, transaction: str) -> None:
    """Pay in from outside, so that the deposit history shows it."""
    submit(floor, Deposit, trader.account_id, asset, amount, transaction, NETWORK, "ww1here")


def bound_to(trader: Trader, *ips: str) -> Trader:
    """The same trader with a key that works from these addresses only."""
    networks = read_networks(ips)
    assert isinstance(networks, tuple)
    trader.credential = msgspec.structs.replace(trader.credential, restrictions=Restrictions(networks))
    return trader


def balance(floor: OperationsFloor, filed: int, asset: str) -> int:
    """What the ledger has under an id."""
    return floor.testnet.venue.engine.ledger.available(filed, asset)
