"""Balances add up to zero and come back as they were."""

from watchword.exchange.ledger import ISSUER_ACCOUNT_ID, Ledger


def test_ledger_issue_comes_out_of_the_issuer() -> None:
    ledger = Ledger()
    ledger.issue(1, "BTC", 5)
    ledger.issue(2, "BTC", 7)
    assert ledger.balances(1) == {"BTC": (5, 0)}
    assert ledger.balances(ISSUER_ACCOUNT_ID) == {"BTC": (-12, 0)}
    assert ledger.imbalance() == {}


def test_ledger_imbalance_names_asset_and_amount() -> None:
    ledger = Ledger()
    ledger.issue(1, "BTC", 5)
    ledger.issue(1, "USDT", 5)
    ledger.balance(1, "USDT").locked += 1
    assert ledger.imbalance() == {"USDT": 1}


def test_ledger_balance_object_stays_the_same_through_a_wipe() -> None:
    ledger = Ledger()
    balance = ledger.balance(1, "BTC")
    ledger.issue(1, "BTC", 5)
    balance.free -= 2
    balance.locked += 2
    assert ledger.wipe() == [(1, "BTC", 5)]
    assert ledger.balance(1, "BTC") is balance
    assert (balance.free, balance.locked) == (0, 0)
    assert ledger.imbalance() == {}


def test_ledger_rows_round_trip_beyond_64_bits() -> None:
    ledger = Ledger()
    ledger.issue(2, "USDT", 10**30)
    ledger.issue(1, "BTC", 3)
    ledger.balance(9, "ETH")
    rows = list(ledger.rows())
    assert rows == sorted(rows)
    assert not any(asset == "ETH" for _, asset, _, _ in rows)
    other = Ledger()
    other.restore(rows)
    assert list(other.rows()) == rows


def test_ledger_unknown_account_has_nothing() -> None:
    assert Ledger().balances(7) == {}
