"""One suite for everything that calls itself a KEK source; each also carries a vault through a whole life, as a user would."""

import base64
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import msgspec
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.kms_v1 import KeyManagementServiceClient
from google.cloud.kms_v1.services.key_management_service.transports.rest import (
    KeyManagementServiceRestTransport,
)
from keyring.backend import KeyringBackend
from moto import mock_aws
from tests.support import key_services, vaults

from watchword.adapters.kek import gcp_kms
from watchword.bootstrap.kek_sources import KekChoice, KekSources
from watchword.config import vault_environment
from watchword.kernel.secret import Secret
from watchword.vault.kek import KekDescription, KekRefused, KekSource, KekUnavailableError
from watchword.vault.outcome import Refused
from watchword.vault.record import RealCredential
from watchword.vault.vault import Unsealed

KEY = Secret(b"a keyset's bytes" * 8)
AAD = b"header and description"


class DeskKeyring(KeyringBackend):
    """A keyring that works, kept in memory."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


class Kind(msgspec.Struct):
    """One kind of source.

    Attributes:
        choice: What a person chooses.
        passphrase: For coming back.
        other: Makes the outside hold another key than the one the vault was made with.
        lose: Makes the outside unusable; None where nothing can be lost.
    """

    choice: KekChoice
    other: Callable[[], KekChoice | None]
    lose: Callable[[], None] | None = None
    passphrase: Secret | None = None


def sources() -> KekSources:
    """As a process makes them at its start."""
    return KekSources(vaults.ENTROPY, vault_environment(), cost=vaults.CHEAP, floor=vaults.CHEAP)


def make_passphrase(_: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    other = KekChoice("passphrase", passphrase=Secret(b"another passphrase"))
    yield Kind(KekChoice("passphrase", passphrase=vaults.PASSPHRASE), lambda: other, None, vaults.PASSPHRASE)


def make_key_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    path = folder / "kek"
    other = KekChoice("key-file", {"path": str(folder / "other")})
    yield Kind(KekChoice("key-file", {"path": str(path)}), lambda: other, path.unlink)


def make_environment(_: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    def put() -> None:
        monkeypatch.setenv("WATCHWORD_VAULT_KEK", base64.b64encode(os.urandom(32)).decode())

    put()
    yield Kind(KekChoice("environment"), put, lambda: monkeypatch.delenv("WATCHWORD_VAULT_KEK"))


def make_environment_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    path = folder / "secret"
    monkeypatch.setenv("WATCHWORD_VAULT_KEK_FILE", str(path))

    def put() -> None:
        path.write_text(os.urandom(32).hex() + "\n")

    put()
    yield Kind(KekChoice("environment"), put, lambda: monkeypatch.delenv("WATCHWORD_VAULT_KEK_FILE"))


def make_keyring(_: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    before, desk = keyring.get_keyring(), DeskKeyring()
    keyring.set_keyring(desk)
    yield Kind(KekChoice("keyring"), lambda: KekChoice("keyring"), desk.kept.clear)
    keyring.set_keyring(before)


def make_transit(_: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    monkeypatch.setenv("VAULT_TOKEN", key_services.TOKEN)
    double = key_services.Transit()
    with key_services.serving(double):
        choice = KekChoice("transit", {"address": double.address, "mount": "transit", "key": "watchword"})
        yield Kind(choice, double.keys.clear, lambda: monkeypatch.setenv("VAULT_TOKEN", "hvs.expired"))


def make_aws(_: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        import boto3

        kms = boto3.client("kms")
        keys = [kms.create_key()["KeyMetadata"]["KeyId"] for _ in range(2)]
        other = KekChoice("aws-kms", {"key": keys[1]})

        def lose() -> None:
            monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                monkeypatch.delenv(name)
            boto3.setup_default_session()

        yield Kind(KekChoice("aws-kms", {"key": keys[0], "region": "eu-central-1"}), lambda: other, lose)


def make_gcp(_: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    double = key_services.GoogleKms()

    def connect() -> KeyManagementServiceClient:
        host = double.address.removeprefix("http://")
        transport = KeyManagementServiceRestTransport(
            host=host, credentials=AnonymousCredentials(), url_scheme="http"
        )
        return KeyManagementServiceClient(transport=transport)

    monkeypatch.setattr(gcp_kms, "_connect", connect)
    with key_services.serving(double):
        choice = KekChoice("gcp-kms", {"key": key_services.GCP_KEY})

        def lose() -> None:
            double.fail = (403, b'{"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}')

        yield Kind(choice, double.keys.clear, lose)


MAKERS = {
    "passphrase": make_passphrase,
    "key-file": make_key_file,
    "environment": make_environment,
    "environment_file": make_environment_file,
    "keyring": make_keyring,
    "transit": make_transit,
    "aws-kms": make_aws,
    "gcp-kms": make_gcp,
}


@pytest.fixture(params=sorted(MAKERS))
def kind(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kind]:
    """Every source, one after the other."""
    yield from MAKERS[request.param](tmp_path, monkeypatch)


def again(kind: Kind, source: KekSource) -> KekSource:
    """Come back to a source as another process would: from its description as JSON."""
    described = msgspec.json.decode(msgspec.json.encode(source.describe()), type=KekDescription)
    return sources().of(described, kind.passphrase)


def opens(source: KekSource, wrapped: bytes, aad: bytes = AAD) -> bool:
    """Whether a source unwraps; moto denies access where AWS calls the ciphertext invalid."""
    try:
        return not isinstance(source.unwrap(wrapped, aad), KekRefused)
    except KekUnavailableError as error:
        if "AccessDeniedException" not in str(error):
            raise
        return False


def test_what_was_wrapped_unwraps_after_coming_back(kind: Kind) -> None:
    source = sources().new(kind.choice)
    found = again(kind, source).unwrap(source.wrap(KEY, AAD), AAD)
    assert isinstance(found, Secret)
    assert found.reveal() == KEY.reveal()


def test_description_holds_no_secret(kind: Kind) -> None:
    source = sources().new(kind.choice)
    text = msgspec.json.encode(source.describe())
    assert vaults.PASSPHRASE.reveal() not in text
    assert key_services.TOKEN.encode() not in text


def test_other_aad_is_refused(kind: Kind) -> None:
    source = sources().new(kind.choice)
    assert not opens(source, source.wrap(KEY, AAD), AAD + b"x")


def test_any_changed_byte_is_refused(kind: Kind) -> None:
    source = sources().new(kind.choice)
    wrapped = source.wrap(KEY, AAD)
    for at in (0, len(wrapped) // 2, len(wrapped) - 1):
        changed = wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
        assert not opens(source, changed), at


def test_another_key_is_refused(kind: Kind) -> None:
    wrapped = sources().new(kind.choice).wrap(KEY, AAD)
    choice = kind.other() or kind.choice
    other = sources().new(choice)
    assert not opens(other, wrapped)


def test_lost_source_is_unavailable_and_says_so(kind: Kind) -> None:
    source = sources().new(kind.choice)
    wrapped = source.wrap(KEY, AAD)
    if kind.lose is None:
        # What a person remembers cannot be unavailable: the source works as long as the process does.
        assert opens(again(kind, source), wrapped)
        return
    kind.lose()
    with pytest.raises(KekUnavailableError):
        again(kind, source).unwrap(wrapped, AAD)


def test_vault_lives_on_each_source(kind: Kind, tmp_path: Path) -> None:
    home = tmp_path / "home"
    host = vaults.cheap_host(home)
    host.create(kind.choice)
    credential = vaults.record()
    vaults.post(host.store, credential)
    assert isinstance(host.unseal(kind.passphrase), Unsealed)
    assert host.vault.rewrap() == 1
    signed = host.vault.signer_for(credential.id).sign(b"payload")  # type: ignore[union-attr]
    host.close()

    host = vaults.cheap_host(home)
    assert host.vault.sealed
    assert isinstance(host.unseal(kind.passphrase), Unsealed)
    assert host.vault.signer_for(credential.id).sign(b"payload") == signed  # type: ignore[union-attr]
    host.close()

    if kind.choice.kind != "passphrase" and kind.other() is None:
        host = vaults.cheap_host(home)
        refused = host.unseal(None)
        assert isinstance(refused, Refused)
        assert "does not open" in refused.reason
        host.close()


def test_vault_moves_from_a_passphrase_to_each_source(kind: Kind, tmp_path: Path) -> None:
    host = vaults.host_with(tmp_path / "home", "main")
    before = host.vault.records()
    assert host.rekey(kind.choice) is None
    host.vault.seal()
    assert isinstance(host.unseal(kind.passphrase), Unsealed)
    assert host.vault.records() == before
    assert isinstance(before, list)
    assert isinstance(before[0], RealCredential)
    host.close()
