"""Finding API keys of the testnet among many: filter, sort, a page at a time. Changes nothing; only a page is rendered."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from watchword.credentials.key_directory import KeyRecord
from watchword.credentials.permission import UnknownPermission, read_permissions
from watchword.entrypoints.sockets.paging import BadCursor, Place, cut
from watchword.entrypoints.testnet.admin.requests import ListKeys, Refused

if TYPE_CHECKING:
    from watchword.bootstrap.testnet import Testnet
    from watchword.exchange.accounts import Account

View = Callable[["Testnet", KeyRecord], dict[str, Any]]

QUERY_LENGTH_MAX: Final = 256
#: Where a key without an expiry stands among expiries.
NEVER_US: Final = 1 << 62


def find_keys(
    testnet: "Testnet", request: ListKeys, account_id: int | None, view: View
) -> dict[str, Any] | list[dict[str, Any]] | Refused:
    """List the keys a request asks for.

    Args:
        testnet: Whose keys.
        request: What is asked for; its account was looked up already.
        account_id: The account's, or None for all.
        view: Renders one key.

    Returns:
        All of them, or with `limit` or `cursor` a page: `keys`, `total` over all pages, `next` or None.
    """
    if len(request.query) > QUERY_LENGTH_MAX:
        return Refused(f"a query has at most {QUERY_LENGTH_MAX} characters")
    wanted = read_permissions([request.permission] if request.permission else [])
    if isinstance(wanted, UnknownPermission):
        return Refused(str(wanted))
    accounts = testnet.venue.engine.accounts
    records = testnet.directory.records(account_id)
    matching = _matching(records, request, wanted, accounts, testnet.clock.now_us())
    paged = request.limit is not None or bool(request.cursor)
    page = cut(
        matching,
        _places(request.sort, accounts),
        request.sort,
        descending=request.descending,
        limit=request.limit if paged else max(1, len(records)),
        cursor=request.cursor,
        in_order=request.sort == "created",
    )
    if isinstance(page, BadCursor):
        return Refused(str(page))
    keys = [view(testnet, record) for record in page.rows]
    return {"keys": keys, "total": page.total, "next": page.cursor or None} if paged else keys


def state_of(record: KeyRecord, now_us: int) -> str:
    """Say whether a key works: `works` or `expired`. A deleted one is not there at all."""
    return "expired" if record.terms.restrictions.expired(now_us) else "works"


def _matching(
    records: list[KeyRecord],
    request: ListKeys,
    wanted: frozenset[str],
    accounts: "dict[int, Account]",
    now_us: int,
) -> Iterator[KeyRecord]:
    query = request.query.casefold()
    named: set[int] = set()
    if query:
        named = {account_id for account_id, one in accounts.items() if query in one.name.casefold()}
    for record in records:
        if request.account_ids is not None and record.account_id not in request.account_ids:
            continue
        if request.key_type is not None and record.key_type != request.key_type:
            continue
        if not wanted <= record.terms.permissions:
            continue
        if request.state is not None and state_of(record, now_us) != request.state:
            continue
        if query and record.account_id not in named and not _says(record, query):
            continue
        yield record


def _says(record: KeyRecord, query: str) -> bool:
    """Whether a key's label holds a text, or the key itself begins so; both without case."""
    return query in record.terms.label.casefold() or record.api_key.casefold().startswith(query)


def _places(sort: str, accounts: "dict[int, Account]") -> Callable[[KeyRecord], Place]:
    match sort:
        case "label":
            return lambda record: (record.terms.label.casefold(), record.api_key)
        case "account":
            names = {account_id: one.name.casefold() for account_id, one in accounts.items()}
            return lambda record: (names.get(record.account_id, ""), record.api_key)
        case "last_used":
            return lambda record: (record.last_used_us, record.api_key)
        case "expires":
            return lambda record: (record.terms.restrictions.expires_us or NEVER_US, record.api_key)
        case _:
            return lambda record: (record.created_us, record.api_key)
