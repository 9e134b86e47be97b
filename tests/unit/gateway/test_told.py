"""What is read out of an answer for the record."""

import gzip
import zlib

import pytest

from watchword.gateway.messages import Answer
from watchword.gateway.told import ANSWER_BYTES_MAX, Told, told

PACKED = ((b"Content-Encoding", b"gzip"),)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (Answer(status=200, body=b'{"orderId":12,"code":5}'), Told(0, "12", False)),
        (Answer(status=200, body=b'[{"orderId":12}]'), Told(0, "", False)),
        (Answer(status=400, body=b'{"code":-2010,"msg":"x"}'), Told(-2010, "", False)),
        (Answer(status=400, body=b'{"code":-1007,"msg":"x"}'), Told(-1007, "", True)),
        (Answer(status=502, body=b"<html>"), Told(0, "", True)),
        (Answer(status=200, body=b""), Told(0, "", False)),
        (Answer(status=400, body=b'{"code":"-1"}'), Told(0, "", False)),
        (Answer(status=200, body=b"{" * 5_000), Told(0, "", False)),
        (Answer(status=400, body=gzip.compress(b'{"code":-1013}'), headers=PACKED), Told(-1013, "", False)),
        (Answer(status=400, body=zlib.compress(b'{"code":-1013}'), headers=((b"content-encoding", b"deflate"),)), Told(-1013, "", False)),
        (Answer(status=400, body=b"\x1f\x8bbroken", headers=PACKED), Told(0, "", False)),
        (Answer(status=200, body=b'{"orderId":1,"a":"' + b"a" * ANSWER_BYTES_MAX + b'"}'), Told(0, "", False)),
    ],
)  # fmt: skip
def test_answer(answer: Answer, found: Told) -> None:
    assert told(answer) == found
