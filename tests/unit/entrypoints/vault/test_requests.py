"""What travels over the vault's socket: read strictly, refused without a word of what was sent, and never a secret out."""

import base64
import json
from typing import Any, get_args

import msgspec
import pytest

from watchword.entrypoints.vault import requests as ask
from watchword.entrypoints.vault.requests import read_request, write_answer, write_request
from watchword.kernel.secret import Secret
from watchword.vault.outcome import NotFound, Refused, Sealed

MARK = "s3cretcanary"
REQUESTS = (
    ask.ShowStatus(),
    ask.CreateVault("key-file", {"path": "/k"}, None, True),
    ask.CreateVault("passphrase", {}, Secret(b"pass\xff")),
    ask.Unseal(Secret("pässword".encode())),
    ask.Unseal(shares=[Secret(b"wwshare-1"), Secret(b"wwshare-2")]),
    ask.Seal(),
    ask.Rekey("transit", {"key": "k", "address": "https://v"}),
    ask.Rewrap(),
    ask.MakeShares(2, 3),
    ask.TakeInbox(),
    ask.GenerateCredential("ed25519", "main", "local", ["READING"], "notes"),
    ask.RegisterCredential("cred-1", "k" * 64),
    ask.CheckCredential("cred-1"),
    ask.RemoveCredential("cred-1"),
    ask.ShowChanges(),
    ask.ListChecks(),
)


def plain(value: Any) -> Any:
    """Open the boxes, which do not compare."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, msgspec.Struct):
        return {name: plain(one) for name, one in msgspec.structs.asdict(value).items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def test_every_request_is_among_the_examples() -> None:
    assert {type(one) for one in REQUESTS} == set(get_args(ask.AnyRequest))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: type(one).__name__)
def test_request_survives_the_way(request_: ask.AnyRequest) -> None:
    line = write_request(request_)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    found = read_request(line)
    assert type(found) is type(request_)
    assert plain(found) == plain(request_)


@pytest.mark.parametrize(
    "sent",
    [
        f'{{"op":"{MARK}"}}',
        f'{{"op":"vault.create","kind":"{MARK}"}}',
        f'{{"op":"vault.create","kind":"it\'s {MARK}`"}}',
        f'{{"op":"vault.seal","{MARK}` x":1}}',
        f'{{"op":"vault.unseal","passphrase":"{MARK}!"}}',
        f'{{"op":"vault.unseal","passphrase":["{MARK}"]}}',
        f'{{"op":"vault.shares","threshold":"{MARK}","count":2}}',
        f'{{"op":"vault.unseal","passphrase":"{MARK}',
        f"{MARK}",
        f'["{MARK}"]',
        "",
    ],
)
def test_refusal_never_quotes_what_was_sent(sent: str) -> None:
    found = read_request(sent.encode())
    assert isinstance(found, Refused)
    assert found.reason.startswith("not a request")
    assert MARK not in found.reason


def test_bytes_that_are_no_text_are_refused() -> None:
    assert isinstance(read_request(b'{"op":"\xff"}'), Refused)
    assert isinstance(read_request(b'{"op":"credential.check","id":"\xff"}'), Refused)


def test_refusals_are_named_by_kind() -> None:
    for answer, kind in ((Refused("no"), "refused"), (Sealed(), "sealed"), (NotFound("x"), "not_found")):
        found = json.loads(write_answer(answer))
        assert found["kind"] == kind
        assert found["error"] == str(answer)


def test_shares_are_the_only_answer_that_can_carry_a_secret() -> None:
    """Nobody can add a field for a credential's secret to an answer without meeting this test."""
    carrying = set()
    for kind in get_args(ask.AnyAnswer):
        for field in msgspec.structs.fields(kind):
            if "Secret" in str(field.type):
                carrying.add((kind, field.name))
    assert carrying == {(ask.SharesAnswer, "shares")}
    sent = json.loads(write_answer(ask.SharesAnswer((Secret(b"wwshare-1"),))))
    assert base64.b64decode(sent["result"]["shares"][0]) == b"wwshare-1"


def test_what_is_no_secret_is_not_boxed_or_unboxed() -> None:
    with pytest.raises(TypeError):
        ask.boxed(int, "MQ==")
    with pytest.raises(TypeError):
        ask._unboxed(object())
