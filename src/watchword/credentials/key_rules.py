"""Binance's rules about API keys as dated data, and the judging of terms by them. Never looks at a clock or a store.

Each rule says from when it holds and who says so; `rules_as_of` gives the rules of any moment, so that a key's life
can be replayed under the rules of its time. What nobody published is said in `doubt`.
"""

from datetime import date
from functools import lru_cache
from typing import Final, Literal

import msgspec

from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.key_record import KeyRefused, KeyTerms
from watchword.credentials.model import LABEL_LENGTH_MAX
from watchword.credentials.pem import read_public
from watchword.credentials.permission import Permission
from watchword.credentials.restriction import holds_every_address

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US

#: What a key without an IP list loses when its trading lapses: everything that moves a position.
TRADING: Final[frozenset[Permission]] = frozenset(
    (
        "SPOT_AND_MARGIN_TRADING",
        "MARGIN",
        "FUTURES",
        "VANILLA_OPTIONS",
        "FIX_API_TRADE",
        "PORTFOLIO_MARGIN_TRADING",
    )
)
LABEL_NOT_STORED: Final = (
    "the label looks like a private key or a secret; it was not stored. Treat it as seen"
)

CountsFrom = Literal["grant", "use"]


class KeyRules(msgspec.Struct, frozen=True):
    """The rules of one moment.

    Attributes:
        keys_per_account_max: Keys of one account or sub-account.
        networks_count_max: Entries of an IP list.
        symbols_count_max: Entries of a symbol list.
        withdrawals_need_networks: Whether the withdrawal permission needs an IP list.
        trading_days: After so many days a key without an IP list loses trading; 0: never.
        trading_counts_from: What those days are counted from: the grant of trading, or the last use.
        idle_days: After so many days without use a key without an IP list, and without trading to lose, is
            deleted; 0: never.
        warning_days: How many days before an ending its owner is warned, most first.
    """

    keys_per_account_max: int = 0
    networks_count_max: int = 0
    symbols_count_max: int = 0
    withdrawals_need_networks: bool = False
    trading_days: int = 0
    trading_counts_from: CountsFrom = "grant"
    idle_days: int = 0
    warning_days: tuple[int, ...] = ()


RuleName = Literal[
    "keys_per_account_max",
    "networks_count_max",
    "symbols_count_max",
    "withdrawals_need_networks",
    "trading_days",
    "trading_counts_from",
    "idle_days",
    "warning_days",
]


class DatedRule(msgspec.Struct, frozen=True):
    """One rule from one day on, until a later entry of the same name.

    Attributes:
        name: The member of `KeyRules` it sets.
        value: To what.
        from_date: First day it holds, ISO 8601, UTC; empty: as far back as this program looks.
        says: The rule for people.
        source: Who says so.
        doubt: What is not certain about it; empty: nothing.
    """

    name: RuleName
    value: bool | int | str | tuple[int, ...]
    from_date: str
    says: str
    source: str
    doubt: str = ""

    @property
    def from_us(self) -> int:
        """First moment it holds, epoch microseconds; 0: always."""
        return start_of_day_us(date.fromisoformat(self.from_date)) if self.from_date else 0


def start_of_day_us(day: date) -> int:
    """Return the first moment of a day in UTC, epoch microseconds; 0 for days before 1970."""
    return max(0, (day - date(1970, 1, 1)).days * DAY_US)


RULES: Final[tuple[DatedRule, ...]] = (
    DatedRule(
        "keys_per_account_max",
        30,
        "",
        "An account has at most 30 API keys; so has each sub-account.",
        "the text of Binance's API Management page, as copied by others",
        "No page of Binance's that says so was found, and no date.",
    ),
    DatedRule(
        "networks_count_max",
        30,
        "",
        "An IP list has at most 30 entries.",
        "developers.binance.com, Margin Trading, POST /sapi/v1/margin/apiKey; Link and Trade, Fast API",
        "The date is not known; ranges (CIDR) and IPv6 are ours.",
    ),
    DatedRule(
        "symbols_count_max",
        30,
        "",
        "A symbol list has at most 30 symbols.",
        "binance.com/en/support/faq/96dde1d806a44a67924f322f4f8092f6, 2022-01-18",
        "Binance has symbol lists for keys of sub-accounts only; here any key may have one, at any date.",
    ),
    DatedRule(
        "withdrawals_need_networks",
        True,
        "",
        "The withdrawal permission needs an IP list.",
        "the text of Binance's API Management page",
        "The date is not known.",
    ),
    DatedRule(
        "warning_days",
        (7, 3, 1),
        "",
        "The owner is warned 7, 3 and 1 days before a key ends.",
        "Watchword",
        "When Binance warns is not published.",
    ),
    DatedRule(
        "trading_days",
        30,
        "2021-07-09",
        "Trading on a key without an IP list lasts 30 days.",
        "binance.com/en/support/announcement/cda0a4b53da04396b5d27881e93abf78, 2021-07-08",
        "It names Spot & Margin Trading; here every permission that trades lapses with it. Keys made before were "
        "spared until edited; here they are not.",
    ),
    DatedRule(
        "trading_counts_from",
        "grant",
        "2021-07-09",
        "The 30 days of trading are counted from its grant, whether it is used or not.",
        "binance.com/en/support/announcement/cda0a4b53da04396b5d27881e93abf78, 2021-07-08",
    ),
    DatedRule(
        "idle_days",
        30,
        "2022-12-22",
        "A key without an IP list that was not used for 30 days is deleted.",
        "binance.com/en/news/flash/7334853, 2022-12-22; helpdesk.bitsgap.com, article 6838861",
        "Only reports of the notice were found. In 2022 one user counted 90 days (freqtrade issue 6783).",
    ),
    DatedRule(
        "trading_counts_from",
        "use",
        "2022-12-22",
        "The 30 days are counted from the last use; a key with trading loses trading first, and is deleted after "
        "30 more days without use.",
        "Watchword's reading of the two notices together",
        "No source says how they go together. In April 2026 the page says that a key without an IP list and with "
        "more than reading will be deleted, without a date or a span (freqtrade issue 13089).",
    ),
)

#: The moments at which the rules changed.
_BEGINNINGS_US: Final = tuple({0, *(rule.from_us for rule in RULES)})


def rules_as_of(at_us: int) -> KeyRules:
    """Give the rules of a moment.

    Args:
        at_us: Epoch microseconds.
    """
    return _rules_since(max(begin_us for begin_us in _BEGINNINGS_US if begin_us <= at_us))


def in_force(at_us: int) -> tuple[DatedRule, ...]:
    """Give the entries that make up the rules of a moment, in the order of `KeyRules`."""
    latest = {rule.name: rule for rule in RULES if rule.from_us <= at_us}
    return tuple(latest[name] for name in KeyRules.__struct_fields__ if name in latest)


def judge_count(held: int, rules: KeyRules) -> KeyRefused | None:
    """Refuse one key more than an account may have.

    Args:
        held: Keys it has.
        rules: Of this moment.
    """
    most = rules.keys_per_account_max
    if most and held >= most:
        return KeyRefused(f"an account has at most {most} keys; delete one first", "keys_per_account_max")
    return None


def judge_terms(terms: KeyTerms, rules: KeyRules, now_us: int) -> KeyRefused | None:
    """Refuse terms that no key may have.

    Args:
        terms: All of them, as they would be.
        rules: Of this moment.
        now_us: Epoch microseconds.

    Returns:
        None, or the first reason in words its owner understands.
    """
    label, restrictions = terms.label, terms.restrictions
    if len(label) > LABEL_LENGTH_MAX or not label.isprintable():
        return KeyRefused(f"a label is at most {LABEL_LENGTH_MAX} printable characters")
    if _is_secret(label):
        return KeyRefused(LABEL_NOT_STORED)
    if restrictions.expired(now_us):
        return KeyRefused("the expiry lies in the past")
    if (given := len(restrictions.networks)) > rules.networks_count_max:
        return KeyRefused(
            f"an IP list has at most {rules.networks_count_max} entries, not {given}; use ranges",
            "networks_count_max",
        )
    if holds_every_address(restrictions.networks):
        return KeyRefused("the IP list holds every address there is; leave it empty to have none")
    if (given := len(restrictions.symbols)) > rules.symbols_count_max:
        return KeyRefused(
            f"a symbol list has at most {rules.symbols_count_max} symbols, not {given}", "symbols_count_max"
        )
    if rules.withdrawals_need_networks and "WITHDRAWALS" in terms.permissions and not restrictions.networks:
        return KeyRefused(
            "a key that may withdraw needs an IP list: give the addresses it works from, or leave "
            "WITHDRAWALS out",
            "withdrawals_need_networks",
        )
    return None


@lru_cache(maxsize=len(RULES))
def _rules_since(begin_us: int) -> KeyRules:
    chosen = {rule.name: rule.value for rule in in_force(begin_us)}
    return msgspec.convert(chosen, KeyRules)


def _is_secret(text: str) -> bool:
    """Whether somebody pasted a private key or an HMAC secret where a name belongs."""
    found = read_public(text.encode()) if text else None
    return isinstance(found, KeyProblem) and found.reason in {"private_given", "hmac_secret"}
