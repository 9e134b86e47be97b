"""One process behind its admin socket, asked line by line from the command line. Never prints, never asks twice."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from watchword.entrypoints.sockets.admin_socket import connect
from watchword.kernel.errors import StorageError

R = TypeVar("R", bound=msgspec.Struct)


class Neighbour(Generic[R]):
    """A connection to an admin socket. Close it."""

    def __init__(
        self,
        path: Path,
        name: str,
        write: Callable[[R], bytes],
        refused: type[Exception],
        answer_s_max: float,
    ) -> None:
        """Connect.

        Args:
            path: The socket.
            name: The process in words, `"the gateway"`.
            write: Makes a request one line of JSON.
            refused: What to raise where it says no.
            answer_s_max: How long one answer may take, seconds.

        Raises:
            OSError: Nobody listens there.
        """
        self._name, self._write, self._refused = name, write, refused
        self._socket = connect(path)
        self._socket.settimeout(answer_s_max)
        self._lines = self._socket.makefile("rb")

    def ask(self, request: R) -> Any:
        """Send one request and wait for its answer.

        Args:
            request: What to do.

        Returns:
            The answer's `result`.

        Raises:
            StorageError: The process was lost before it answered.
        """
        try:
            self._socket.sendall(self._write(request))
            answered = self._lines.readline()
        except OSError as error:
            raise StorageError(
                f"lost {self._name} before it answered ({error}); whether it was done is unknown"
            ) from error
        if not answered:
            raise StorageError(f"{self._name} ended before it answered; whether it was done is unknown")
        return result_of(answered, self._refused)

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()


def result_of(line: bytes, refused: type[Exception]) -> Any:
    """Read an answer: `{"result": …}`, or `{"error": …}`, whose text is raised as `refused`."""
    answer: dict[str, Any] = msgspec.json.decode(line)
    if "error" in answer:
        raise refused(str(answer["error"]))
    return answer["result"]
