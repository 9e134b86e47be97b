"""What a new, edited, rolled or revoked virtual key looks like, or why it cannot be. Pure: never stores, never records.

Refusals are values. A key that is returned here is ready to be recorded in the trail, stored, and used.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

import msgspec

from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.model import LABEL_LENGTH_MAX
from watchword.credentials.pem import read_public
from watchword.credentials.restriction import UNRESTRICTED, Restrictions
from watchword.credentials.verifier import KeyType
from watchword.gateway.key_format import new_virtual_api_key
from watchword.gateway.narrowing import excess
from watchword.gateway.virtual_key import KeyVersion, VirtualKey
from watchword.kernel.entropy import Entropy, alphanumeric
from watchword.policy.document import read_policy
from watchword.policy.policy import Policy

T = TypeVar("T")

ID_PREFIX: Final = "vk-"
ID_RANDOM_LENGTH: Final = 12
#: Keys that are not revoked.
KEYS_COUNT_MAX: Final = 1_000
#: Versions that have not ended: the newest, and those that overlap with it.
KEY_VERSIONS_COUNT_MAX: Final = 3
#: Ended versions that are remembered, so that a bot which still uses one is told from a stranger.
ENDED_VERSIONS_COUNT_MAX: Final = 12
#: A key, its parent, and so on.
GENERATIONS_COUNT_MAX: Final = 8
OVERLAP_US_MAX: Final = 30 * 86_400 * 1_000_000
BUDGET_COUNT_MAX: Final = 1_000_000
POLICY_BYTES_MAX: Final = 262_144


class KeyRefused(msgspec.Struct, frozen=True):
    """A change that cannot be made, and why, for a person."""

    reason: str

    def __str__(self) -> str:
        return self.reason


class Half(msgspec.Struct, frozen=True):
    """The half of a bot's key that Watchword sees.

    Attributes:
        key_type: Which signatures it makes.
        public_key: Of an RSA or Ed25519 pair, in any dialect; empty for HMAC.
    """

    key_type: KeyType
    public_key: str = ""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the owner of a key chooses and may change; None leaves it as it is, or as the parent has it.

    Attributes:
        label: What its owner calls it.
        policy_text: A policy file.
        restrictions: From where and until when. Given as a whole: the caller fills in what stays.
        own_orders_only: It sees and cancels only orders it placed.
        weight_per_minute_max, orders_per_10s_max: Budgets; 0 for the shared ones alone.
    """

    label: str | None = None
    policy_text: str | None = None
    restrictions: Restrictions | None = None
    own_orders_only: bool | None = None
    weight_per_minute_max: int | None = None
    orders_per_10s_max: int | None = None


def issue(
    terms: Terms,
    half: Half,
    credential_id: str,
    line: Sequence[VirtualKey],
    others: Iterable[VirtualKey],
    entropy: Entropy,
    now_us: int,
) -> VirtualKey | KeyRefused:
    """Make a key.

    Args:
        terms: What it may do; a label is needed, and a policy unless there is a parent.
        half: What checks its signatures.
        credential_id: The real credential that signs for it; empty means the parent's.
        line: Its parent, the parent's parent, and so on; empty for none.
        others: All keys there are.
        entropy: Draws its id and its API key.
        now_us: Epoch microseconds.

    Returns:
        The key, or why there is none.
    """
    known = list(others)
    parent = line[0] if line else None
    if sum(not key.revoked_us for key in known) >= KEYS_COUNT_MAX:
        return KeyRefused(f"there are {KEYS_COUNT_MAX} keys already; revoke one first")
    if len(line) >= GENERATIONS_COUNT_MAX:
        return KeyRefused(f"a key descends from at most {GENERATIONS_COUNT_MAX - 1} others")
    if parent is None and not credential_id:
        return KeyRefused("say which credential signs for it")
    version = _version(half, known, entropy, now_us)
    if isinstance(version, KeyRefused):
        return version
    blank = VirtualKey(
        id=ID_PREFIX + alphanumeric(entropy, ID_RANDOM_LENGTH).lower(),
        label="",
        credential_id=credential_id or (parent.credential_id if parent else ""),
        versions=(version,),
        policy_name="",
        policy_text=parent.policy_text if parent else "",
        policy_digest=parent.policy_digest if parent else "",
        restrictions=parent.restrictions if parent else UNRESTRICTED,
        parent_id=parent.id if parent else "",
        own_orders_only=parent.own_orders_only if parent else True,
        weight_per_minute_max=parent.weight_per_minute_max if parent else 0,
        orders_per_10s_max=parent.orders_per_10s_max if parent else 0,
        created_us=now_us,
    )
    return _judged(blank, terms, line, known, now_us)


def edit(
    key: VirtualKey, terms: Terms, line: Sequence[VirtualKey], others: Iterable[VirtualKey], now_us: int
) -> VirtualKey | KeyRefused:
    """Give a key other terms. Tightening a key tightens all that descend from it, without a word from here.

    Args:
        key: As it stands.
        terms: What changes.
        line: Its parent, the parent's parent, and so on.
        others: All keys there are.
        now_us: Epoch microseconds.
    """
    if key.revoked_us:
        return KeyRefused(f"{key.label!r} is revoked; a revoked key stays so")
    return _judged(key, terms, line, list(others), now_us)


def roll(
    key: VirtualKey,
    half: Half,
    overlap_us: int,
    others: Iterable[VirtualKey],
    entropy: Entropy,
    now_us: int,
) -> VirtualKey | KeyRefused:
    """Add a version to a key and give the older ones an end.

    Args:
        key: As it stands.
        half: Of the new version.
        overlap_us: How long the older versions still work; 0 ends them at once.
        others: All keys there are.
        entropy: Draws the new API key.
        now_us: Epoch microseconds.
    """
    if key.revoked_us:
        return KeyRefused(f"{key.label!r} is revoked; a revoked key stays so")
    if not 0 <= overlap_us <= OVERLAP_US_MAX:
        return KeyRefused(f"old and new overlap for at most {OVERLAP_US_MAX // 86_400_000_000} days")
    version = _version(half, list(others), entropy, now_us)
    if isinstance(version, KeyRefused):
        return version
    ends_us = now_us + overlap_us
    before = [
        old
        if _ended(old, now_us)
        else msgspec.structs.replace(old, ends_us=min(old.ends_us or ends_us, ends_us))
        for old in key.versions
    ]
    living = [old for old in before if not _ended(old, now_us)]
    if len(living) >= KEY_VERSIONS_COUNT_MAX:
        return KeyRefused(
            f"{len(living)} versions of {key.label!r} still work; wait until one has ended, or roll with --overlap 0s"
        )
    ended = [old for old in before if _ended(old, now_us)][-ENDED_VERSIONS_COUNT_MAX:]
    return msgspec.structs.replace(key, versions=(*ended, *living, version))


def revoke(key: VirtualKey, others: Iterable[VirtualKey], now_us: int) -> tuple[VirtualKey, ...] | KeyRefused:
    """Revoke a key for good, and all that descend from it.

    Returns:
        The keys as they are then, the key itself first; those revoked before are left out.
    """
    if key.revoked_us:
        return KeyRefused(f"{key.label!r} is revoked already")
    return tuple(
        msgspec.structs.replace(one, revoked_us=now_us)
        for one in (key, *descendants(key.id, others))
        if not one.revoked_us
    )


def descendants(key_id: str, others: Iterable[VirtualKey]) -> list[VirtualKey]:
    """Return the keys narrowed from a key, from those, and so on."""
    children: dict[str, list[VirtualKey]] = {}
    for one in others:
        children.setdefault(one.parent_id, []).append(one)
    found: list[VirtualKey] = []
    waiting = [key_id] if key_id else []
    while waiting:
        for child in children.pop(waiting.pop(), []):
            found.append(child)
            waiting.append(child.id)
    return found


def read_key_policy(text: str) -> Policy | KeyRefused:
    """Read the policy of a key; the refusal names the first problem and its place."""
    if len(text.encode("utf-8", "surrogatepass")) > POLICY_BYTES_MAX:
        return KeyRefused(f"a policy has at most {POLICY_BYTES_MAX} bytes")
    policy = read_policy(text)
    if isinstance(policy, Policy):
        return policy
    more = f" (and {len(policy) - 1} more)" if len(policy) > 1 else ""
    return KeyRefused(f"the policy cannot be used: {policy[0]}{more}; see watchword policy lint")


def _judged(
    key: VirtualKey, terms: Terms, line: Sequence[VirtualKey], known: list[VirtualKey], now_us: int
) -> VirtualKey | KeyRefused:
    """Apply terms to a key and look whether the result may stand."""
    label = key.label if terms.label is None else terms.label.strip()
    wrong = _label_problem(key.id, label, known) or _budget_problem(terms)
    if wrong:
        return KeyRefused(wrong)
    text = key.policy_text if terms.policy_text is None else terms.policy_text
    if not text:
        return KeyRefused("a key needs a policy: --policy FILE")
    policy = read_key_policy(text)
    if isinstance(policy, KeyRefused):
        return policy
    restrictions = key.restrictions if terms.restrictions is None else terms.restrictions
    if terms.restrictions is not None and restrictions.expired(now_us):
        return KeyRefused("its expiry is over already")
    changed = msgspec.structs.replace(
        key,
        label=label,
        policy_name=policy.name,
        policy_text=text,
        policy_digest=digest_of(text),
        restrictions=restrictions,
        own_orders_only=_or(terms.own_orders_only, key.own_orders_only),
        weight_per_minute_max=_or(terms.weight_per_minute_max, key.weight_per_minute_max),
        orders_per_10s_max=_or(terms.orders_per_10s_max, key.orders_per_10s_max),
    )
    for ancestor in line:
        wrong = _beyond(changed, policy, ancestor)
        if wrong:
            return KeyRefused(wrong)
    return changed


def digest_of(text: str) -> str:
    """SHA-256 of a policy's text, hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _beyond(key: VirtualKey, policy: Policy, ancestor: VirtualKey) -> str | None:
    """Say why a key cannot descend from an ancestor, or None."""
    if ancestor.revoked_us:
        return f"{ancestor.label!r} ({ancestor.id}), from which it descends, is revoked"
    theirs = read_key_policy(ancestor.policy_text)
    if isinstance(theirs, KeyRefused):
        return f"{ancestor.label!r} ({ancestor.id}): {theirs}"
    wrong = excess(key, policy, ancestor, theirs)
    return f"{wrong} ({ancestor.label!r}, {ancestor.id})" if wrong else None


def _version(half: Half, known: list[VirtualKey], entropy: Entropy, now_us: int) -> KeyVersion | KeyRefused:
    """Draw an API key for a half."""
    pem = ""
    if half.key_type == "HMAC":
        if half.public_key:
            return KeyRefused("an hmac key has no public key")
    else:
        public = read_public(half.public_key.encode("utf-8", "replace"))
        if isinstance(public, KeyProblem):
            return KeyRefused(f"the public key: {public}")
        if public.key_type != half.key_type:
            return KeyRefused(f"the public key is of type {public.key_type}, not {half.key_type}")
        pem = public.pem()
        for key in known:
            if not key.revoked_us and any(version.public_key == pem for version in key.versions):
                return KeyRefused(f"{key.label!r} ({key.id}) has this public key already; make a new pair")
    return KeyVersion(
        api_key=new_virtual_api_key(entropy), key_type=half.key_type, public_key=pem, created_us=now_us
    )


def _label_problem(key_id: str, label: str, known: list[VirtualKey]) -> str | None:
    if not 0 < len(label) <= LABEL_LENGTH_MAX or not label.isprintable():
        return f"a label has 1 to {LABEL_LENGTH_MAX} printable characters"
    if label.startswith(ID_PREFIX):
        return f"a label does not begin with {ID_PREFIX}, which ids do"
    for key in known:
        if key.label == label and key.id != key_id and not key.revoked_us:
            return f"there is a key labelled {label!r} already ({key.id})"
    return None


def _budget_problem(terms: Terms) -> str | None:
    for bound in (terms.weight_per_minute_max, terms.orders_per_10s_max):
        if bound is not None and not 0 <= bound <= BUDGET_COUNT_MAX:
            return f"a budget is 0 (none of its own) to {BUDGET_COUNT_MAX}"
    return None


def _ended(version: KeyVersion, now_us: int) -> bool:
    return 0 < version.ends_us <= now_us


def _or(given: T | None, otherwise: T) -> T:
    return otherwise if given is None else given
