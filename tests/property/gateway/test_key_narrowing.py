"""A child key can never do more than its parent: whatever was issued, however ancestors are edited afterwards."""

from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.policies import NOW_US
from tests.support.trails import FixedEntropy
from tests.support.virtual_keys import HOUR_US, Secrets

from watchword.credentials.authorizer import authorize
from watchword.credentials.restriction import BadRestriction, Restrictions, read_networks
from watchword.gateway.issuing import Half, KeyRefused, Terms, edit, issue, read_key_policy, revoke
from watchword.gateway.narrowing import combined, excess
from watchword.gateway.registry import Registry
from watchword.gateway.virtual_key import VirtualKey
from watchword.gateway.virtual_key_store import KeyUse
from watchword.policy.decision import Deny
from watchword.policy.engine import decide, decide_each
from watchword.policy.policy import Policy
from watchword.policy.reading import read_intent
from watchword.policy.usage import Usage

randoms = st.integers(0, 2**48).map(Random)
RANGES = ("10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "10.1.2.3", "192.0.2.0/24", "192.0.2.7",
          "2001:db8::/32", "2001:db8::7")  # fmt: skip
CALLERS = ("10.0.0.1", "10.1.2.3", "10.200.0.1", "192.0.2.7", "192.0.2.8", "2001:db8::7", "2001:db8::8", "8.8.8.8",
           "::ffff:10.1.2.3", "nonsense")  # fmt: skip
MOMENTS = (NOW_US, NOW_US + HOUR_US, NOW_US + 2 * HOUR_US, NOW_US + 30 * 24 * HOUR_US)
SYMBOLS = ("BTCUSDT", "ETHUSDT", "THINUSDT")
REQUESTS: tuple[tuple[str, dict[str, str]], ...] = (
    *(
        ("order.place", {"symbol": symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity,
                         "price": "100"})
        for symbol in SYMBOLS
        for side in ("BUY", "SELL")
        for quantity in ("1", "4", "9")
    ),
    ("order.cancel", {"symbol": "BTCUSDT", "orderId": "7"}),
    ("account.status", {}),
    ("POST /sapi/v1/capital/withdraw/apply", {"coin": "BTC", "network": "BTC", "address": "a", "amount": "1"}),
    ("POST /sapi/v1/asset/transfer", {"type": "MAIN_UMFUTURE", "asset": "BTC", "amount": "1"}),
)  # fmt: skip


def policy_text(random: Random) -> str:
    """A policy file, read-only now and then."""
    if random.random() < 0.15:
        return "version: 1\nname: p\npermissions: [read]\nmax_order: {USDT: 100}\n"
    some = random.sample(SYMBOLS, random.randint(1, 3))
    lines = [
        "version: 1",
        "name: p",
        f"permissions: [{random.choice(('trade', 'read, trade', 'read, trade'))}]",
        f"symbols: {random.choice(('any', '[' + ', '.join(some) + ']'))}",
        f"sides: {random.choice(('any', '[BUY]', '[SELL]', '[BUY, SELL]'))}",
        f"order_types: {random.choice(('any', '[LIMIT]', '[LIMIT, MARKET]'))}",
    ]
    if random.random() < 0.6:
        lines.append(f"max_order: {{USDT: {random.choice((100, 400, 1_000))}}}")
    if random.random() < 0.3:
        lines.append(f"rate: {{per_minute: {random.choice((1, 30))}}}")
    if random.random() < 0.2:
        lines.append("shadow: [max_order]")
    return "\n".join(lines) + "\n"


def restrictions(random: Random) -> Restrictions:
    """An IP list or none, an expiry or none, a symbol list or none."""
    read = read_networks(random.sample(RANGES, random.choice((0, 0, 1, 2, 4))))
    assert not isinstance(read, BadRestriction)
    symbols = frozenset(random.sample(SYMBOLS, random.choice((0, 0, 0, 1, 2))))
    return Restrictions(read, symbols, random.choice((0, 0, *(at + 1 for at in MOMENTS))))


def terms(random: Random, label: str, *, new: bool) -> Terms:
    """What somebody may ask for."""

    def perhaps(value: Any, often: float = 0.5) -> Any:
        return value if random.random() < often else None

    return Terms(
        label=label if new else None,
        policy_text=perhaps(policy_text(random)),
        restrictions=perhaps(restrictions(random)),
        own_orders_only=perhaps(random.random() < 0.5),
        weight_per_minute_max=perhaps(random.choice((0, 5, 50))),
        orders_per_10s_max=perhaps(random.choice((0, 5, 50))),
    )


def family(random: Random) -> list[VirtualKey]:
    """Up to four generations, each a child of the one before; those that are refused are tried again."""
    found: list[VirtualKey] = []
    entropy = FixedEntropy(random.randint(0, 2**40))
    first = Terms(label="k0", policy_text=policy_text(random), own_orders_only=random.random() < 0.5)
    for number in range(1, 40):
        wanted = terms(random, f"k{number}", new=True) if found else first
        made = issue(wanted, Half("HMAC"), "cred-1", found[::-1], found, entropy, NOW_US)
        if isinstance(made, VirtualKey):
            found.append(made)
        if len(found) == 4:
            break
    return found


def registry_of(keys: list[VirtualKey]) -> Registry:
    """All keys, their secrets in the vault."""
    return Registry([(key, KeyUse()) for key in keys], Secrets(), NOW_US)


def assert_within(keys: Registry, child: VirtualKey, parent: VirtualKey) -> None:
    """Every request the child may make, the parent may make."""
    mine, theirs = keys.find(child.versions[-1].api_key), keys.find(parent.versions[-1].api_key)
    if mine is None:
        return
    assert theirs is not None, "a child works although its parent does not"
    assert mine.permissions <= theirs.permissions
    for ip in CALLERS:
        for at in MOMENTS:
            for security in ("TRADE", "USER_DATA"):
                for symbol in (*SYMBOLS, None):
                    if authorize(mine, security, ip, symbol, at) is None:  # type: ignore[arg-type]
                        assert authorize(theirs, security, ip, symbol, at) is None  # type: ignore[arg-type]
    active, above = keys.active(child.versions[-1].api_key), keys.active(parent.versions[-1].api_key)
    assert active is not None
    assert above is not None
    assert active.layers[-len(above.layers) :] == above.layers
    assert active.key.own_orders_only or not above.key.own_orders_only
    for name in ("weight_per_minute_max", "orders_per_10s_max"):
        limit = getattr(above.key, name)
        assert not limit or 0 < getattr(active.key, name) <= limit
    for name, params in REQUESTS:
        intent = read_intent(name, params)
        if not isinstance(decide_each([(p, Usage()) for _, p in active.layers], intent, {}, NOW_US), Deny):
            theirs_too = decide_each([(p, Usage()) for _, p in above.layers], intent, {}, NOW_US)
            assert not isinstance(theirs_too, Deny), (name, params)


@settings(max_examples=examples(50))
@given(randoms)
def test_child_never_does_more_than_its_parent_however_they_are_edited(random: Random) -> None:
    keys = family(random)
    registry = registry_of(keys)
    for _ in range(4):
        key = random.choice(keys)
        at = next(number for number, one in enumerate(keys) if one.id == key.id)
        changed = edit(key, terms(random, "", new=False), keys[:at][::-1], keys, NOW_US)
        if isinstance(changed, VirtualKey):
            keys[at] = changed
            registry.hold([changed], NOW_US)
        if random.random() < 0.1 and not keys[at].revoked_us:
            done = revoke(keys[at], keys, NOW_US)
            assert not isinstance(done, KeyRefused)
            registry.hold(done, NOW_US)
            keys = [registry.by_id(one.id) or one for one in keys]
        for parent, child in pairwise(keys):
            assert_within(registry, child, parent)


@settings(max_examples=examples(50))
@given(randoms)
def test_child_that_is_issued_stays_within_its_parent_by_itself(random: Random) -> None:
    """Without the layers: the comparison at issue alone must be sound."""
    keys = family(random)
    for parent, child in pairwise(keys):
        mine, theirs = read_key_policy(child.policy_text), read_key_policy(parent.policy_text)
        assert isinstance(mine, Policy)
        assert isinstance(theirs, Policy)
        assert excess(child, mine, parent, theirs) is None
        for ip in CALLERS:
            assert not child.restrictions.allows_address(ip) or parent.restrictions.allows_address(ip)
        for at in MOMENTS:
            assert child.restrictions.expired(at) or not parent.restrictions.expired(at)
        for name, params in REQUESTS:
            intent = read_intent(name, params)
            if not isinstance(decide(mine, intent, Usage(), {}, NOW_US), Deny):
                assert not isinstance(decide(theirs, intent, Usage(), {}, NOW_US), Deny)


@given(randoms)
def test_combined_restrictions_allow_exactly_what_all_of_them_allow(random: Random) -> None:
    line = [restrictions(random) for _ in range(random.randint(1, 4))]
    both = combined(line)
    for ip in CALLERS:
        assert both.allows_address(ip) == all(one.allows_address(ip) for one in line)
    for at in MOMENTS:
        assert both.expired(at) == any(one.expired(at) for one in line)
    for symbol in SYMBOLS:
        alike = all(not one.symbols or symbol in one.symbols for one in line)
        assert (not both.symbols or symbol in both.symbols) == alike
