"""A decision as signed bytes: one way of writing it, and no bit that could be another."""

import json
from typing import Any

import msgspec
import pytest
from tests.support.approvals import Approver
from tests.support.vectors import VECTORS, flip_bit

from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import read_public
from watchword.credentials.verifier import Verifier
from watchword.gateway.approval_statement import (
    NOT_READ,
    NOT_SIGNED,
    STATEMENT_BYTES_MAX,
    Statement,
    read_statement,
    statement_bytes,
    verified,
)
from watchword.kernel.errors import InvariantError

FOUND: dict[str, Any] = json.loads((VECTORS / "approval_statements.json").read_text("utf-8"))


def verifier(pem: str = FOUND["public_key"]) -> Verifier:
    key = read_public(pem.encode())
    assert not isinstance(key, KeyProblem)
    return key.verifier()


def statement_of(vector: dict[str, Any]) -> Statement:
    return Statement(**{name: vector[name] for name in Statement.__struct_fields__})


@pytest.mark.parametrize("vector", FOUND["statements"])
def test_statement_is_written_read_and_verified_as_published(vector: dict[str, Any]) -> None:
    meant, raw = statement_of(vector), vector["statement"].encode()
    assert statement_bytes(meant) == raw
    assert read_statement(raw) == meant
    assert verified(raw, vector["signature"], verifier()) == meant


@pytest.mark.parametrize("name", FOUND["refused"])
def test_anything_else_is_no_statement(name: str) -> None:
    assert read_statement(FOUND["refused"][name].encode()) is None


def test_one_bit_of_the_bytes_or_the_signature_makes_it_nobodys() -> None:
    vector = FOUND["statements"][0]
    raw, signature = vector["statement"].encode(), vector["signature"]
    for bit in range(len(raw) * 8):
        assert verified(flip_bit(raw, bit), signature, verifier()) == NOT_SIGNED
    for bit in range(0, len(signature) * 8, 3):
        turned = flip_bit(signature.encode(), bit).decode("latin-1")
        assert verified(raw, turned, verifier()) == NOT_SIGNED


def test_another_key_signs_for_nobody() -> None:
    raw = FOUND["statements"][0]["statement"].encode()
    assert verified(raw, Approver(2).sign(raw), verifier()) == NOT_SIGNED
    assert verified(raw, Approver(2).sign(raw), verifier(Approver(2).pem)) != NOT_SIGNED


def test_signed_bytes_that_say_nothing_are_refused() -> None:
    approver = Approver()
    for raw in (b"", b"{}", b"\xff\xfe", FOUND["refused"]["a line too many"].encode()):
        assert verified(raw, approver.sign(raw), verifier(approver.pem)) == NOT_READ


def test_longer_than_any_statement_is_not_even_verified() -> None:
    raw = b"x" * (STATEMENT_BYTES_MAX + 1)
    assert verified(raw, Approver().sign(raw), verifier(Approver().pem)) == NOT_READ
    assert read_statement(FOUND["statements"][0]["statement"].encode() + b"\n" * STATEMENT_BYTES_MAX) is None


@pytest.mark.parametrize(
    "wrong", [{"person": "a\nb"}, {"person": ""}, {"factor_us": -1}, {"decided_us": 2**63}, {"factor": "password"}, {"person": "x" * 129}]
)  # fmt: skip
def test_what_would_be_read_otherwise_is_not_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvariantError):
        statement_bytes(msgspec.structs.replace(statement_of(FOUND["statements"][0]), **wrong))
