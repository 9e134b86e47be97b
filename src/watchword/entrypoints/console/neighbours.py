"""The other processes of a home, asked over their admin sockets for the person who calls. Never decides who may ask.

One connection a question: management is rare, and a neighbour that was restarted is found again by itself.
"""

import asyncio
import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import msgspec

from watchword.adapters.gateway_home import gateway_socket_path
from watchword.adapters.home import admin_socket_path
from watchword.adapters.vault_home import vault_socket_path
from watchword.audit.redaction import bounded
from watchword.entrypoints.console import problem as told
from watchword.entrypoints.console.problem import Problem
from watchword.entrypoints.gateway.admin import requests as gateway_requests
from watchword.entrypoints.sockets.admin_socket import connect
from watchword.entrypoints.testnet.admin import requests as testnet_requests
from watchword.entrypoints.vault import requests as vault_requests
from watchword.kernel.errors import StorageError

if TYPE_CHECKING:
    from watchword.bootstrap.console import Console

T = TypeVar("T")

#: Answers are read whole; 10,000 keys that nobody paged are the largest.
ANSWER_BYTES_MAX: Final = 32 << 20
ANSWER_S_MAX: Final = 60.0
#: Unsealing derives a key from a passphrase, or asks a cloud.
VAULT_ANSWER_S_MAX: Final = 180.0

UNREADABLE: Final = "a neighbour's answer cannot be read; whether it was done is unknown"

_KINDS: Final = {"not_found": told.NOT_FOUND, "sealed": told.CONFLICT, "refused": told.REFUSED}


class _Answer(msgspec.Struct, frozen=True):
    """One line of an admin socket: `result`, or `error` and its kind."""

    result: Any = msgspec.UNSET
    error: str = ""
    kind: str = ""


class _Unread(msgspec.Struct, frozen=True):
    """The same, its result as it was sent: whoever knows its shape reads it once instead of twice."""

    result: msgspec.Raw = msgspec.Raw()
    error: str = ""
    kind: str = ""


_decoder: Final = msgspec.json.Decoder(_Answer)
_unread: Final = msgspec.json.Decoder(_Unread)
#: Answers that can be long and are always taken as one shape, by `shaped`.
_LONG: Final = (
    testnet_requests.CallAccount, testnet_requests.ShowPast, testnet_requests.FindAccounts, testnet_requests.ListOrders,
    testnet_requests.ListTrades,
)  # fmt: skip


class Neighbour:
    """One process, behind its admin socket.

    When unavailable: answers a Problem; nothing was done, or it says that this is not known.
    """

    def __init__(self, path: Path, name: str, start: str, answer_s_max: float = ANSWER_S_MAX) -> None:
        """Say where it listens; nothing is opened yet.

        Args:
            path: Its socket.
            name: For people: `the testnet`.
            start: The command that starts it.
            answer_s_max: How long it may take, seconds.
        """
        self._path, self._name, self._start, self._answer_s_max = path, name, start, answer_s_max

    async def send(self, line: bytes, *, unread: bool = False) -> Any | Problem:
        """Send one request and wait for its answer.

        Args:
            line: One line of JSON with its line end.
            unread: Give the result as `msgspec.Raw`, for `shaped`.

        Returns:
            The answer's `result`, or why there is none.

        Raises:
            StorageError: It was lost before it answered; whether it was done is unknown.
        """
        try:
            # A neighbour that hangs must not hold up everybody here: nothing waits to be let in.
            connection = connect(self._path, blocking=False)
        except BlockingIOError:
            return Problem(told.UNAVAILABLE, f"{self._name} has no room for another question; try again")
        except OSError:
            return Problem(told.UNAVAILABLE, f"{self._name} is not running; start it with: {self._start}")
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=ANSWER_BYTES_MAX)
        try:
            async with asyncio.timeout(self._answer_s_max):
                writer.write(line)
                await writer.drain()
                found = await reader.readline()
        except (OSError, ValueError, TimeoutError) as error:
            raise StorageError(
                f"lost {self._name} before it answered; whether it was done is unknown"
            ) from error
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
        if not found.endswith(b"\n"):
            raise StorageError(f"{self._name} ended before it answered; whether it was done is unknown")
        return _result(found, unread=unread)


class Neighbours:
    """All of them, of one home.

    Attributes:
        testnet: Accounts and keys of the exchange.
        gateway: Virtual keys and approvals.
        vault: Real credentials and the seal; the gateway's process, on a socket of its own.
    """

    def __init__(self, home: Path) -> None:
        """Say where they listen.

        Args:
            home: Absolute.
        """
        self.testnet = Neighbour(admin_socket_path(home), "the testnet", "watchword testnet serve")
        self.gateway = Neighbour(gateway_socket_path(home), "the gateway", "watchword gateway serve")
        self.vault = Neighbour(
            vault_socket_path(home), "the vault's process", "watchword gateway serve", VAULT_ANSWER_S_MAX
        )

    async def ask_testnet(self, request: msgspec.Struct) -> Any | Problem:
        """Ask the testnet; `request` is one of its admin requests."""
        return await self.testnet.send(
            msgspec.json.encode(request) + b"\n", unread=isinstance(request, _LONG)
        )

    async def ask_gateway(self, request: gateway_requests.AnyRequest) -> Any | Problem:
        """Ask the gateway."""
        return await self.gateway.send(gateway_requests.write_request(request))

    async def ask_vault(self, request: vault_requests.AnyRequest) -> Any | Problem:
        """Ask the vault's process."""
        return await self.vault.send(vault_requests.write_request(request))


def neighbours_of(console: "Console") -> Neighbours:
    """Return the neighbours of a console; made at the first call."""
    found = console.at_hand.get(Neighbours)
    if found is None:
        found = console.at_hand[Neighbours] = Neighbours(console.settings.home)
    neighbours: Neighbours = found
    return neighbours


def shaped(found: Any | Problem, kind: type[T]) -> T | Problem:
    """Take an answer as a struct of this API; members the API does not know are left out.

    Args:
        found: `result` of an answer, or why there is none.
        kind: What the route answers, or part of it.

    Raises:
        StorageError: It has another shape: the process is of another version. What was asked may be done.
    """
    if isinstance(found, Problem):
        return found
    try:
        if isinstance(found, msgspec.Raw):
            decoder: msgspec.json.Decoder[T] = _decoder_of(cast("Any", kind))
            return decoder.decode(found)
        return msgspec.convert(found, kind)
    except msgspec.MsgspecError as error:
        raise StorageError(UNREADABLE) from error


@functools.cache
def _decoder_of(kind: Any) -> msgspec.json.Decoder[Any]:
    """Return the decoder of a type; there are as many as routes have shapes."""
    return msgspec.json.Decoder(kind)


def hidden(found: T | Problem, missing: Problem) -> T | Problem:
    """Say of what a neighbour does not find, or refuses to show, only that it is not there.

    Args:
        found: What it showed, or why not.
        missing: Answered where it has no such thing; a neighbour that is down is still said to be.
    """
    return missing if isinstance(found, Problem) and found.kind in {told.NOT_FOUND, told.REFUSED} else found


def _result(line: bytes, *, unread: bool = False) -> Any | Problem:
    try:
        answer = _unread.decode(line) if unread else _decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise StorageError(UNREADABLE) from error
    if answer.error:
        return Problem(_KINDS.get(answer.kind, told.REFUSED), bounded(answer.error))
    if answer.result is msgspec.UNSET or (unread and not bytes(answer.result)):
        raise StorageError(UNREADABLE)
    return answer.result
