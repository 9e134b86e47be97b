"""Finding virtual keys among many: filter, sort, a page at a time. Changes nothing; only a page is rendered."""

from typing import TYPE_CHECKING, Final

import msgspec

from watchword.entrypoints.gateway.admin.requests import ListAnswer, ListKeys
from watchword.entrypoints.gateway.admin.views import children_of, credentials_of, ends_us, state_of, view_of
from watchword.entrypoints.sockets.paging import BadCursor, Place, cut
from watchword.vault.outcome import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.bootstrap.key_desk import KeyDesk
    from watchword.gateway.registry import Registry
    from watchword.gateway.virtual_key import VirtualKey
    from watchword.vault.record import RealCredential

QUERY_LENGTH_MAX: Final = 256
#: Where a key without an expiry stands among expiries.
NEVER_US: Final = 1 << 62
#: States a key can have by itself; any other text of `state_of` says what is wrong with it.
_PLAIN_STATES: Final = frozenset({"works", "expired", "revoked", "parent revoked"})
_WITH_REVOKED: Final = frozenset({"revoked", "parent revoked"})


def find_keys(desk: "KeyDesk", request: ListKeys) -> ListAnswer | Refused:
    """List the keys a request asks for.

    Returns:
        All of them, or with `limit` or `cursor` a page, with `total` over all pages.
    """
    if len(request.query) > QUERY_LENGTH_MAX:
        return Refused(f"a query has at most {QUERY_LENGTH_MAX} characters")
    registry, now_us, credentials = desk.registry, desk.clock.now_us(), credentials_of(desk.home)
    listed = registry.listed()
    wanted = _Wanted.of(request, credentials)
    matching = [key for key in listed if _takes(registry, key, request, wanted, now_us)]
    paged = request.limit is not None or bool(request.cursor)
    page = cut(
        matching,
        _places(registry, request.sort),
        request.sort,
        descending=request.descending,
        limit=request.limit if paged else max(1, len(matching)),
        cursor=request.cursor,
        in_order=request.sort == "created",
    )
    if isinstance(page, BadCursor):
        return Refused(str(page))
    children = children_of(listed)
    keys = [view_of(registry, key, credentials, now_us, children=children) for key in page.rows]
    return ListAnswer(keys, page.total, page.cursor) if paged else ListAnswer(keys)


class _Wanted(msgspec.Struct, frozen=True):
    """What is worked out of a request once, not for every key.

    Attributes:
        query: Without case.
        named: Ids of the credentials whose label holds the query.
        credentials: Ids of those the keys must have; None for any.
    """

    query: str
    named: frozenset[str]
    credentials: frozenset[str] | None

    @classmethod
    def of(cls, request: ListKeys, known: "dict[str, RealCredential]") -> "_Wanted":
        query, asked = request.query.casefold(), request.credential
        named = frozenset(one.id for one in known.values() if query in one.label.casefold())
        if not asked:
            return cls(query, named, None)
        return cls(
            query, named, frozenset((asked, *(one.id for one in known.values() if one.label == asked)))
        )


def _takes(registry: "Registry", key: "VirtualKey", request: ListKeys, wanted: _Wanted, now_us: int) -> bool:
    if request.ids is not None and key.id not in request.ids:
        return False
    if key.revoked_us and not request.revoked and request.state not in _WITH_REVOKED:
        return False
    if request.key_type is not None and all(one.key_type != request.key_type for one in key.versions):
        return False
    if wanted.credentials is not None and key.credential_id not in wanted.credentials:
        return False
    if wanted.query and not _says(key, wanted):
        return False
    if request.state is None:
        return True
    state = state_of(registry, key, now_us)
    return state == request.state if state in _PLAIN_STATES else request.state == "faulty"


def _says(key: "VirtualKey", wanted: _Wanted) -> bool:
    """Whether a label or a policy's name holds a text, or an id or an API key begins so; all without case."""
    query = wanted.query
    if query in key.label.casefold() or query in key.policy_name.casefold():
        return True
    if key.credential_id in wanted.named or key.id.casefold().startswith(query):
        return True
    return any(one.api_key.casefold().startswith(query) for one in key.versions)


def _places(registry: "Registry", sort: str) -> "Callable[[VirtualKey], Place]":
    match sort:
        case "label":
            return lambda key: (key.label.casefold(), key.id)
        case "last_used":
            return lambda key: (registry.use(key.id).at_us, key.id)
        case "expires":
            return lambda key: (ends_us(registry.line(key)) or NEVER_US, key.id)
        case _:
            return lambda key: (key.created_us, key.id)
