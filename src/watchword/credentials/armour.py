"""Takes a key file's wrapping off: encodings, line ends, quotes, escapes, PEM armour. Never judges what is inside.

People paste keys through spreadsheets, environment files, JSON and chat; what they lose on the way is put back here.
"""

import binascii
import re
from typing import Final

import msgspec

KEY_FILE_BYTES_MAX: Final = 65_536
BLOCKS_COUNT_MAX: Final = 16

_BEGIN: Final = re.compile(r"-{4,5} ?BEGIN ([A-Z0-9 ]+?) ?-{4,5}")
_HEADER: Final = re.compile(r"^[A-Za-z][A-Za-z0-9-]*: .*(?:\n[ \t].*)*\n?", re.MULTILINE)
_SSH_HEADER: Final = re.compile(
    r"^(?:Comment|Subject|x-[a-z-]+): .*(?:\\\n.*)*\n?", re.MULTILINE | re.IGNORECASE
)
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,3}")
_STRAY: Final = re.compile(r"[\s\\\"']+")
_BASE64_LENGTH_MIN: Final = 40


class Block(msgspec.Struct, frozen=True):
    """One armoured block.

    Attributes:
        label: What stands after BEGIN; empty for a body without armour.
        headers: Lines like `Proc-Type: 4,ENCRYPTED`, joined by newlines; empty in modern files.
        body: The decoded bytes; None where the base64 is broken.
        complete: False where the END line is missing or belongs to another label.
    """

    label: str
    headers: str
    body: bytes | None
    complete: bool = True


def read_text(raw: bytes) -> str | None:
    """Turn a file's bytes into text with plain line ends.

    Args:
        raw: The file: UTF-8 with or without a byte order mark, or UTF-16 with one.

    Returns:
        The text without surrounding blanks and quotes, or None where the file is not text.
    """
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8"),
        (b"\xff\xfe", "utf-16-le"),
        (b"\xfe\xff", "utf-16-be"),
    ):
        if raw.startswith(mark):
            raw, chosen = raw[len(mark) :], encoding
            break
    else:
        chosen = "utf-8"
    try:
        text = raw.decode(chosen)
    except UnicodeDecodeError:
        return None
    text = text.replace("\\r", "").replace("\\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    return None if "\0" in text else text.strip().strip("\"'`,;").strip()


def read_blocks(text: str) -> list[Block]:
    """Find the armoured blocks of a text; text around them is ignored.

    Args:
        text: As `read_text` returns it.

    Returns:
        The blocks in order, at most BLOCKS_COUNT_MAX. A body without line breaks, indented, or with its lines joined
        by blanks is understood.
    """
    blocks: list[Block] = []
    for begin in list(_BEGIN.finditer(text))[:BLOCKS_COUNT_MAX]:
        label = begin[1].strip()
        rest = text[begin.end() :]
        end = re.search(rf"-{{4,5}} ?END {re.escape(label)} ?-{{4,5}}", rest)
        following = _BEGIN.search(rest)
        complete = end is not None and (following is None or end.start() < following.start())
        if complete and end is not None:
            inner = rest[: end.start()]
        else:
            inner = rest[: following.start()] if following else rest
        headers, body = _split_headers(inner, label)
        blocks.append(Block(label, headers, _decode(body), complete))
    return blocks


def read_bare(text: str) -> bytes | None:
    """Decode a base64 body that lost its armour; None where the text is not one."""
    joined = "".join(text.split())
    if len(joined) < _BASE64_LENGTH_MIN or not _BASE64.fullmatch(joined):
        return None
    return _decode(joined)


def armour(block: Block) -> bytes:
    """Write a block again the way strict readers want it."""
    lines = binascii.b2a_base64(block.body or b"", newline=False).decode("ascii")
    wrapped = "\n".join(lines[at : at + 64] for at in range(0, len(lines), 64))
    headers = f"{block.headers}\n\n" if block.headers else ""
    return f"-----BEGIN {block.label}-----\n{headers}{wrapped}\n-----END {block.label}-----\n".encode("ascii")


def _split_headers(inner: str, label: str) -> tuple[str, str]:
    """Part `Name: value` lines from the base64; RFC 4716 may continue them with a backslash."""
    inner = "\n".join(line.strip() for line in inner.split("\n"))
    pattern = _SSH_HEADER if label.startswith("SSH2") else _HEADER
    headers = "\n".join(found.strip() for found in pattern.findall(inner))
    return headers, pattern.sub("", inner)


def _decode(body: str) -> bytes | None:
    """Decode base64, blanks and stray backslashes and quotes removed, lost padding put back."""
    joined = _STRAY.sub("", body).rstrip("=")
    try:
        return binascii.a2b_base64(joined + "=" * (-len(joined) % 4), strict_mode=True)
    except ValueError:
        return None
