"""The approval key: made once, for its owner's eyes, and what it signs the gateway takes and nothing one bit off it."""

import stat
from pathlib import Path

import msgspec
import pytest
from tests.support.key_pairs import new_key_pair

from watchword.adapters.console_home import console_folder
from watchword.adapters.system import SystemEntropy
from watchword.bootstrap.approval_signer import KEY_NAME, ApprovalSigner
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import read_public
from watchword.gateway.approval_statement import BadStatement, Statement, verified
from watchword.kernel.errors import ConfigurationError

STATEMENT = Statement(
    approval="ap-1", digest="d" * 64, decision="confirm", person="olga", factor="totp", factor_us=1, decided_us=2,
    owns_key=False,
)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    console_folder(tmp_path).mkdir(parents=True)
    return tmp_path


def key_path(home: Path) -> Path:
    return console_folder(home) / KEY_NAME


def test_key_is_made_once_and_only_its_owner_reads_it(home: Path) -> None:
    first = ApprovalSigner(home, SystemEntropy())
    assert stat.S_IMODE(key_path(home).stat().st_mode) == 0o600
    assert ApprovalSigner(home, SystemEntropy()).fingerprint == first.fingerprint
    assert "PRIVATE" not in first.public_pem


def test_statement_is_verified_as_the_gateway_does_and_no_other(home: Path) -> None:
    signer = ApprovalSigner(home, SystemEntropy())
    text, signature = signer.signed(STATEMENT)
    public = read_public(signer.public_pem.encode())
    assert not isinstance(public, KeyProblem)
    verifier = public.verifier()
    raw = text.encode()
    assert verified(raw, signature, verifier) == STATEMENT
    for at in (0, len(raw) // 2, len(raw) - 1):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert isinstance(verified(changed, signature, verifier), BadStatement)
    other, _ = signer.signed(msgspec.structs.replace(STATEMENT, owns_key=True))
    assert isinstance(verified(other.encode(), signature, verifier), BadStatement)
    key_path(home).unlink()
    _, foreign = ApprovalSigner(home, SystemEntropy()).signed(STATEMENT)
    assert isinstance(verified(raw, foreign, verifier), BadStatement)


@pytest.mark.parametrize("content", ["", "no key", "RSA", "public"])
def test_file_with_anything_else_in_it_is_refused_and_kept(home: Path, content: str) -> None:
    if content == "RSA":
        content = new_key_pair("RSA")[0]
    elif content == "public":
        content = new_key_pair("ED25519")[1]
    key_path(home).write_text(content, encoding="ascii")
    key_path(home).chmod(0o600)
    with pytest.raises(ConfigurationError, match="no Ed25519 private key"):
        ApprovalSigner(home, SystemEntropy())
    assert key_path(home).read_text(encoding="ascii") == content


def test_key_that_others_may_read_is_refused(home: Path) -> None:
    ApprovalSigner(home, SystemEntropy())
    key_path(home).chmod(0o640)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        ApprovalSigner(home, SystemEntropy())
