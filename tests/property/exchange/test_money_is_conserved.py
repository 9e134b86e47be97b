"""Whatever is transferred, withdrawn, deposited, traded or reset: nothing appears, nothing is lost, no family leaks."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples

from watchword.binance.errors import WireError
from watchword.exchange.commands import (
    AllowAddress,
    AnyCommand,
    Deposit,
    OpenAccount,
    OpenVenue,
    PlaceOrder,
    ResetVenue,
    Transfer,
    Withdraw,
)
from watchword.exchange.ledger import ISSUER_ACCOUNT_ID
from watchword.exchange.listings import default_instruments
from watchword.exchange.venue import Venue
from watchword.exchange.wallets import WALLETS, filing_id
from watchword.kernel.units import SCALE

NOW_US = 1_763_000_000_000_000
#: Two masters with two sub-accounts each; the fifth number is nobody.
PARENTS = {1: 0, 2: 0, 3: 1, 4: 1, 5: 2, 6: 2}
GRANT = 1_000 * SCALE

accounts = st.sampled_from((*PARENTS, 7))
wallets = st.sampled_from(WALLETS)
assets = st.sampled_from(("USDT", "BTC", "XYZ"))
amounts = st.one_of(st.integers(-1, 3), st.integers(1, 2 * GRANT), st.just(GRANT))
names = st.sampled_from(("", "", "a", "b"))

moves = st.tuples(
    st.just(Transfer), accounts, wallets, accounts, wallets, assets, amounts, st.just("universal"), names
)
pays = st.tuples(st.just(Deposit), accounts, assets, amounts, names)
books = st.tuples(st.just(AllowAddress), accounts, assets, st.just("NET"), names)
outs = st.tuples(
    st.just(Withdraw), accounts, wallets, assets, amounts, st.integers(-1, 2), st.just("NET"), names,
    st.just("id"), st.just("tx"), st.just(""), names,
)  # fmt: skip
orders = st.tuples(
    st.just(PlaceOrder), accounts, st.just("BTCUSDT"), st.sampled_from(("BUY", "SELL")), st.just("LIMIT"),
    st.just("GTC"), st.integers(1, 40).map(lambda n: n * SCALE // 10), st.just(0), st.just(100 * SCALE), st.just(0),
)  # fmt: skip
steps = st.lists(
    st.one_of(moves, moves, pays, books, outs, orders, st.just((ResetVenue,))), min_size=1, max_size=40
)


def opened() -> Venue:
    venue = Venue()
    venue.apply(OpenVenue(1, NOW_US, 1, liquidity=False, instruments=default_instruments()[:1]))
    for number, parent in PARENTS.items():
        email = f"{number}@x" if parent else ""
        grants = (("BTC", GRANT), ("USDT", GRANT))
        venue.apply(
            OpenAccount(number + 1, NOW_US, email or f"{number}", grants, parent_id=parent, email=email)
        )
    return venue


def made(venue: Venue, step: tuple[Any, ...]) -> AnyCommand:
    kind, *fields = step
    sequence = venue.sequence + 1
    if kind is PlaceOrder:
        fields += [f"c{sequence}", "NONE", 0, 0]
    command: AnyCommand = kind(sequence, NOW_US + sequence, *fields)
    return command


def family_sums(venue: Venue) -> dict[tuple[int, str], int]:
    """What each family has, over all its members and wallets."""
    sums: dict[tuple[int, str], int] = {}
    for number, parent in PARENTS.items():
        for wallet in WALLETS:
            for asset, (free, locked) in venue.engine.ledger.balances(filing_id(number, wallet)).items():
                key = (parent or number, asset)
                sums[key] = sums.get(key, 0) + free + locked
    return sums


def assert_sound(venue: Venue) -> None:
    ledger = venue.engine.ledger
    assert ledger.imbalance() == {}
    for account_id, asset, free, locked in ledger.rows():
        if account_id != ISSUER_ACCOUNT_ID:
            assert int(free) >= 0, (account_id, asset)
            assert int(locked) >= 0, (account_id, asset)


@settings(max_examples=examples(120), deadline=None)
@given(steps)
def test_money_is_conserved_and_stays_in_its_family(steps: list[tuple[Any, ...]]) -> None:
    venue = opened()
    for step in steps:
        command = made(venue, step)
        before, hashed = family_sums(venue), venue.engine.treasury.encode()
        applied = venue.apply(command)
        assert_sound(venue)
        if isinstance(applied, WireError):
            assert family_sums(venue) == before
            assert venue.engine.treasury.encode() == hashed
        elif isinstance(command, Transfer):
            assert {k: v for k, v in family_sums(venue).items() if v} == {
                k: v for k, v in before.items() if v
            }
        elif isinstance(command, Withdraw):
            family = (PARENTS[command.account_id] or command.account_id, command.asset)
            assert family_sums(venue)[family] == before[family] - command.amount


@settings(max_examples=examples(60), deadline=None)
@given(steps, st.integers(0, 39))
def test_snapshot_in_the_middle_continues_to_the_same_state(steps: list[tuple[Any, ...]], at: int) -> None:
    straight, through = opened(), opened()
    for number, step in enumerate(steps):
        assert straight.apply(made(straight, step)) == through.apply(made(through, step))
        if number == at % len(steps):
            through = Venue.decode(through.encode())
    assert straight.encode() == through.encode()
