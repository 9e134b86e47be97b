"""Which policies virtual keys have, found among many keys: a page of policies at a time, each with a few of its keys. Reads only."""

from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from watchword.entrypoints.gateway.admin.key_search import QUERY_LENGTH_MAX
from watchword.entrypoints.gateway.admin.requests import KeyName, ListPolicies, PoliciesAnswer, PolicyUse
from watchword.vault.outcome import Refused

if TYPE_CHECKING:
    from watchword.bootstrap.key_desk import KeyDesk
    from watchword.gateway.virtual_key import VirtualKey

#: Keys that are named of each policy; the others are counted.
KEYS_NAMED: Final = 20
#: Hexadecimal digits of a SHA-256: with them a cursor begins.
DIGEST_LENGTH: Final = 64

#: Name and digest.
Policy = tuple[str, str]


def find_policies(desk: "KeyDesk", request: ListPolicies) -> PoliciesAnswer | Refused:
    """List the policies of keys that are not revoked, by name and digest.

    Args:
        desk: Knows the keys.
        request: Which policies, and which part of them.
    """
    if len(request.query) > QUERY_LENGTH_MAX:
        return Refused(f"a query has at most {QUERY_LENGTH_MAX} characters")
    used: dict[Policy, list[VirtualKey]] = {}
    for key in desk.registry.listed():
        if not key.revoked_us and (request.ids is None or key.id in request.ids):
            used.setdefault((key.policy_name, key.policy_digest), []).append(key)
    wanted = request.query.casefold()
    found = sorted(policy for policy, keys in used.items() if not wanted or _says(policy, keys, wanted))
    start = 0
    if request.cursor:
        digest, name = request.cursor[:DIGEST_LENGTH], request.cursor[DIGEST_LENGTH:]
        start = bisect_right(found, (name, digest))
    page = found[start : start + request.limit]
    following = start + request.limit < len(found)
    return PoliciesAnswer(
        [_use(policy, used[policy]) for policy in page],
        len(found),
        page[-1][1] + page[-1][0] if following else "",
    )


def _says(policy: Policy, keys: "list[VirtualKey]", wanted: str) -> bool:
    """Whether the policy's name or a key's label holds a text, or a key's id begins so; all without case."""
    return wanted in policy[0].casefold() or any(
        wanted in key.label.casefold() or key.id.casefold().startswith(wanted) for key in keys
    )


def _use(policy: Policy, keys: "list[VirtualKey]") -> PolicyUse:
    return PolicyUse(*policy, [KeyName(key.id, key.label) for key in keys[:KEYS_NAMED]], len(keys))
