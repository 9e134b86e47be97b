"""Asking the testnet to run an operation for an account, and what its answers become. Decides nothing.

An error of Binance's becomes the problem `refused` with its text and code, as people know it.
"""

from typing import Any, TypeVar

import msgspec

from watchword.entrypoints.console.neighbours import hidden, neighbours_of, shaped
from watchword.entrypoints.console.problem import NOT_FOUND, REFUSED, Problem
from watchword.entrypoints.console.route import Ask
from watchword.entrypoints.console.routes.asking import behalf_of
from watchword.entrypoints.testnet.admin import requests as testnet

T = TypeVar("T")

NO_ACCOUNT = Problem(NOT_FOUND, "there is no such account; name it by its number")


class _Called(msgspec.Struct, frozen=True):
    """What `account.call` answers."""

    answer: Any = None
    code: int = 0
    text: str = ""


class _CalledUnread(msgspec.Struct, frozen=True):
    """The same, the operation's answer as it was sent."""

    answer: msgspec.Raw = msgspec.Raw(b"null")
    code: int = 0
    text: str = ""


async def called(
    ask: Ask[Any, Any], kind: type[T], operation: str, account: int | None = None, **params: object
) -> T | Problem:
    """Run an operation of the exchange.

    Args:
        ask: Whoever asks reaches the account; that was looked at before.
        kind: What the answer is taken as.
        operation: One that `account.call` knows.
        account: Whose; None for market data.
        params: By Binance's names; those that are None or empty are left out.

    Raises:
        StorageError: The testnet was lost, or answers something else; what was asked may be done.
    """
    request = testnet.CallAccount(
        operation,
        {name: _text(value) for name, value in params.items() if value not in {None, ""}},
        "" if account is None else str(account),
        on_behalf=behalf_of(ask),
    )
    said = hidden(await neighbours_of(ask.console).ask_testnet(request), NO_ACCOUNT)
    unread = isinstance(said, msgspec.Raw)
    found: _Called | _CalledUnread | Problem = shaped(said, _CalledUnread if unread else _Called)
    if isinstance(found, Problem):
        return found
    if found.code:
        return Problem(REFUSED, f"{found.text} (code {found.code})")
    return shaped(found.answer, kind)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
