"""The other end of a command sink: reads requests, stores rows in a file, answers. Takes only rows that follow.

So a machine that only receives holds a trail that whoever wins the sending one cannot rewrite.
"""

from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Final

from watchword.audit.chain import LINE_BYTES_MAX, Head, Row, checked_row
from watchword.audit.trail import AuditSink
from watchword.kernel.errors import StorageError

ROWS_PER_REQUEST_MAX: Final = 4_096
LINES_PER_REQUEST_MAX: Final = 1_024


def receive(sink: AuditSink, requests: BinaryIO, answers: BinaryIO) -> None:
    """Serve one sender until its input ends.

    Args:
        sink: Where rows go.
        requests: From the sender.
        answers: To the sender; flushed after each.
    """
    head = sink.head()
    while line := requests.readline(LINE_BYTES_MAX):
        try:
            head = _answer(line, sink, head, requests, answers)
        except (StorageError, ValueError) as error:
            answers.write(b"failed " + str(error).replace("\n", " ").encode("utf-8", "replace") + b"\n")
            return
        finally:
            answers.flush()


def _answer(line: bytes, sink: AuditSink, head: Head, requests: BinaryIO, answers: BinaryIO) -> Head:
    """Answer one request; return where the chain ends then."""
    verb, *arguments = line.split() or [b""]
    if verb == b"head" and not arguments:
        answers.write(b"head %d %s %d\n" % (head.row, head.digest.hex().encode(), head.now_us))
    elif verb == b"lines":
        after, count = (int(argument) for argument in arguments)
        answers.writelines(islice(sink.lines_after(after), min(count, LINES_PER_REQUEST_MAX)))
        answers.write(b"end\n")
    elif verb == b"rows":
        (count,) = (int(argument) for argument in arguments)
        rows = list(_rows(requests, count, head))
        sink.append(rows)
        head = rows[-1].head
        answers.write(f"stored {head.row} {sink.strained() or ''}".strip().encode() + b"\n")
    else:
        raise StorageError("unknown request")
    return head


def _rows(requests: BinaryIO, count: int, head: Head) -> Iterator[Row]:
    """Read the rows of one request, each following the one before."""
    if not 1 <= count <= ROWS_PER_REQUEST_MAX:
        raise StorageError(f"between 1 and {ROWS_PER_REQUEST_MAX} rows at once")
    for _ in range(count):
        row = checked_row(requests.readline(LINE_BYTES_MAX + 1), "received", head)
        head = row.head
        yield row
