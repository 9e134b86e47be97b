"""What each KEK source refuses, beside what the common suite asks of all."""

import base64
import os
import threading
from pathlib import Path

import keyring
import pytest
from tests.support import key_services, vaults
from tests.support.vaults import CHEAP, ENTROPY, PASSPHRASE

from watchword.adapters.kek import gcp_kms, os_keyring
from watchword.adapters.kek.aws_kms import AwsKmsSource
from watchword.adapters.kek.gcp_kms import GcpKmsSource
from watchword.adapters.kek.passphrase import FLOOR, PRODUCTION, Argon2Cost, PassphraseSource
from watchword.adapters.kek.raw_key import environment_key, key_file, new_key_file, read_key_text
from watchword.adapters.kek.transit import TransitSource
from watchword.bootstrap.kek_sources import KekChoice, KekSources
from watchword.config import VaultEnvironment, vault_environment
from watchword.kernel.errors import ConfigurationError, CorruptStoreError
from watchword.kernel.secret import Secret
from watchword.vault.kek import KekDescription, KekRefused, KekUnavailableError

KEY = Secret(b"k" * 40)


# -- passphrase ------------------------------------------------------------------------------------------------


def test_production_cost_is_what_the_threat_model_says() -> None:
    assert PRODUCTION.memory_kib >= 64 * 1024
    assert FLOOR.memory_kib >= 64 * 1024
    assert PRODUCTION.passes >= 3


def test_argon2_is_the_published_one() -> None:
    """Source: RFC 9106, section 5.3 has a secret and associated data; this vector is argon2-cffi's and phc-winner's."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(salt=b"somesalt", length=32, iterations=2, lanes=1, memory_cost=65536)
    assert kdf.derive(b"password").hex() == "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"


@pytest.mark.parametrize(
    "weaker", [Argon2Cost(1024, 3, 4), Argon2Cost(128 * 1024, 1, 4), Argon2Cost(128 * 1024, 3, 0)]
)
def test_weakened_settings_are_refused(weaker: Argon2Cost) -> None:
    settings = {"salt": "00" * 16} | {n: str(getattr(weaker, n)) for n in ("memory_kib", "passes", "lanes")}
    with pytest.raises(CorruptStoreError, match="weakened"):
        PassphraseSource.of(KekDescription("passphrase", settings), PASSPHRASE, FLOOR, ENTROPY)


@pytest.mark.parametrize(("name", "value"), [("memory_kib", "99999999"), ("passes", "999"), ("lanes", "999")])
def test_settings_that_would_keep_us_busy_are_refused(name: str, value: str) -> None:
    settings = dict(vaults.cheap_source().describe().settings, **{name: value})
    with pytest.raises(CorruptStoreError, match="minutes"):
        PassphraseSource.of(KekDescription("passphrase", settings), PASSPHRASE, CHEAP, ENTROPY)


@pytest.mark.parametrize("settings", [{}, {"salt": "zz", "memory_kib": "64", "passes": "1", "lanes": "1"}])
def test_unreadable_settings_are_refused(settings: dict[str, str]) -> None:
    with pytest.raises(CorruptStoreError, match="damaged"):
        PassphraseSource.of(KekDescription("passphrase", settings), PASSPHRASE, CHEAP, ENTROPY)


# -- raw keys --------------------------------------------------------------------------------------------------


def test_key_file_is_new_private_and_refused_when_open_to_others(tmp_path: Path) -> None:
    path = tmp_path / "kek"
    source = new_key_file(path, ENTROPY, demo=False)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigurationError, match="not overwritten"):
        new_key_file(path, ENTROPY, demo=False)
    with pytest.raises(ConfigurationError, match="cannot write"):
        new_key_file(tmp_path / "no" / "kek", ENTROPY, demo=False)
    path.chmod(0o640)
    with pytest.raises(KekUnavailableError, match="chmod 600"):
        key_file(source.describe(), ENTROPY)


@pytest.mark.parametrize(
    "content", [b"", b"watchword-kek-1:AAAA\n", b"something else", b"watchword-kek-1:" + b"!" * 44]
)
def test_key_file_that_is_cut_off_or_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "kek"
    source = new_key_file(path, ENTROPY, demo=True)
    assert source.describe().demo
    path.write_bytes(content)
    with pytest.raises(KekUnavailableError, match="not a whole key file"):
        key_file(source.describe(), ENTROPY)
    path.unlink()
    with pytest.raises(KekUnavailableError, match="cannot read"):
        key_file(source.describe(), ENTROPY)


def test_key_texts_in_base64_url_base64_and_hex_are_one_key() -> None:
    raw = b"\xfb\xff" * 16
    for text in (
        base64.b64encode(raw),
        base64.urlsafe_b64encode(raw),
        raw.hex().encode(),
        raw.hex().upper().encode() + b"\n",
    ):
        read = read_key_text(text)
        assert read is not None
        assert read.reveal() == raw
    for wrong in (b"", b"short", base64.b64encode(b"x" * 31), b"z" * 64, b"\xff\xfe"):
        assert read_key_text(wrong) is None


def test_environment_key_missing_or_wrong_is_named() -> None:
    with pytest.raises(KekUnavailableError, match="KEK_FILE"):
        environment_key(None, "WATCHWORD_VAULT_KEK", ENTROPY)
    with pytest.raises(KekUnavailableError, match="openssl rand"):
        environment_key(Secret(b"password"), "WATCHWORD_VAULT_KEK", ENTROPY)


def test_environment_and_its_file_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHWORD_VAULT_KEK", "a")
    monkeypatch.setenv("WATCHWORD_VAULT_KEK_FILE", str(tmp_path / "missing"))
    with pytest.raises(ConfigurationError, match="not both"):
        vault_environment()
    monkeypatch.delenv("WATCHWORD_VAULT_KEK")
    with pytest.raises(ConfigurationError, match="cannot read"):
        vault_environment()


def test_keyring_without_a_service_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    before = keyring.get_keyring()
    from keyring.backends.fail import Keyring

    keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call]
    try:
        with pytest.raises(KekUnavailableError, match="no keyring service"):
            os_keyring.new_keyring_key(ENTROPY)
    finally:
        keyring.set_keyring(before)


def test_keyring_that_fails_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    class Locked:
        def set_password(self, *_: str) -> None:
            raise RuntimeError("locked")

        get_password = set_password

    monkeypatch.setattr(os_keyring, "_backend", Locked)
    with pytest.raises(KekUnavailableError, match="did not take"):
        os_keyring.new_keyring_key(ENTROPY)
    with pytest.raises(KekUnavailableError, match="did not answer"):
        os_keyring.keyring_key(KekDescription("keyring", {}), ENTROPY)


def test_keyring_that_waits_for_ever_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    class Waiting:
        def get_password(self, *_: str) -> None:
            asked.wait(30)

    monkeypatch.setattr(os_keyring, "_backend", Waiting)
    monkeypatch.setattr(os_keyring, "ANSWER_S_MAX", 0.05)
    with pytest.raises(KekUnavailableError, match="is it locked"):
        os_keyring.keyring_key(KekDescription("keyring", {}), ENTROPY)
    asked.set()


# -- transit ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("http://vault.example:8200", "plain http"),
        ("ftp://127.0.0.1", "not the address"),
        ("https://user:pw@vault", "not the address"),
        ("nonsense", "not the address"),
        ("http://[::1", "not an address"),
        ("https://vault:port", "not an address"),
    ],
)
def test_transit_address_must_be_safe(address: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        TransitSource({"address": address, "key": "k"}, Secret(b"t"))


@pytest.mark.parametrize("key", ["", "../sys/seal", "a b", "k?x=1"])
def test_transit_key_name_cannot_lead_elsewhere(key: str) -> None:
    with pytest.raises(ConfigurationError, match="name of a key"):
        TransitSource({"address": "https://vault:8200", "key": key}, Secret(b"t"))


def test_transit_without_a_token_is_unavailable() -> None:
    with pytest.raises(KekUnavailableError, match="VAULT_TOKEN"):
        TransitSource({"address": "http://localhost:8200", "key": "k"}, None)


def transit(double: key_services.Transit, **more: str) -> TransitSource:
    settings = {"address": double.address, "key": "watchword"}
    return TransitSource(settings, Secret(key_services.TOKEN.encode()), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (503, b'{"errors": ["Vault is sealed"]}', "503: Vault is sealed"),
        (403, b"<html>", "403: no reason given"),
        (307, b"", "307"),
        (200, b"[]", "did not answer as transit does"),
        (200, b'{"data": {}}', "did not answer as transit does"),
    ],
)
def test_transit_that_misbehaves_is_unavailable(status: int, body: bytes, text: str) -> None:
    double = key_services.Transit()
    with key_services.serving(double):
        source = transit(double, namespace="team")
        wrapped = source.wrap(KEY, b"aad")
        double.fail = (status, body)
        for call in (lambda: source.wrap(KEY, b"aad"), lambda: source.unwrap(wrapped, b"aad")):
            with pytest.raises(KekUnavailableError, match=text):
                call()  # type: ignore[no-untyped-call]


def test_transit_that_calls_our_request_bad_is_unavailable_for_wrapping_and_refuses_unwrapping() -> None:
    double = key_services.Transit()
    with key_services.serving(double):
        source = transit(double)
        double.fail = (400, b'{"errors": ["bad"]}')
        with pytest.raises(KekUnavailableError, match="400: bad"):
            source.wrap(KEY, b"aad")
        assert isinstance(source.unwrap(b"vault:v1:x", b"aad"), KekRefused)


def test_transit_nobody_answers_is_unavailable() -> None:
    double = key_services.Transit()
    with key_services.serving(double):
        source = transit(double)
    with pytest.raises(KekUnavailableError, match="cannot reach"):
        source.wrap(KEY, b"aad")


def test_transit_over_tls_checks_the_certificate(tmp_path: Path) -> None:
    double = key_services.Transit()
    with key_services.serving(double):
        secure = double.address.replace("http://", "https://")
        source = TransitSource({"address": secure, "key": "k"}, Secret(b"t"))
        with pytest.raises(KekUnavailableError, match="cannot reach"):
            source.wrap(KEY, b"aad")
        missing = TransitSource(
            {"address": secure, "key": "k"}, Secret(b"t"), ca_file=str(tmp_path / "no.pem")
        )
        with pytest.raises(ConfigurationError, match="cannot read"):
            missing.wrap(KEY, b"aad")


# -- clouds ----------------------------------------------------------------------------------------------------


def test_aws_needs_a_key_and_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(ConfigurationError, match="id, ARN or alias"):
        AwsKmsSource({})
    with pytest.raises(ConfigurationError, match="cannot be used"):
        AwsKmsSource({"key": "alias/x"})


def test_aws_that_refuses_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    from moto import mock_aws

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        source = AwsKmsSource({"key": "alias/missing", "region": "eu-central-1"})
        with pytest.raises(KekUnavailableError, match="NotFound"):
            source.wrap(KEY, b"aad")

    class Answers:
        def encrypt(self, **_: object) -> None:
            from botocore.exceptions import ClientError

            raise ClientError({"Error": {"Code": "InvalidCiphertextException", "Message": ""}}, "x")

        decrypt = encrypt

    source._client = Answers()
    assert isinstance(source.unwrap(b"x", b"aad"), KekRefused)
    with pytest.raises(KekUnavailableError):
        source.wrap(KEY, b"aad")


def test_gcp_needs_a_whole_name_and_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="resource name"):
        GcpKmsSource({"key": "watchword"})
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    with pytest.raises(KekUnavailableError, match="cannot be used"):
        GcpKmsSource({"key": key_services.GCP_KEY})


def gcp(double: key_services.GoogleKms) -> GcpKmsSource:
    from google.auth.credentials import AnonymousCredentials
    from google.cloud.kms_v1 import KeyManagementServiceClient
    from google.cloud.kms_v1.services.key_management_service.transports.rest import (
        KeyManagementServiceRestTransport,
    )

    host = double.address.removeprefix("http://")
    transport = KeyManagementServiceRestTransport(
        host=host, credentials=AnonymousCredentials(), url_scheme="http"
    )
    return GcpKmsSource(
        {"key": key_services.GCP_KEY}, lambda: KeyManagementServiceClient(transport=transport)
    )


def test_gcp_checksums_are_compared_both_ways() -> None:
    double = key_services.GoogleKms()
    with key_services.serving(double):
        source = gcp(double)
        wrapped = source.wrap(KEY, b"aad")
        double.spoil_checksum = True
        with pytest.raises(KekUnavailableError, match="disagree"):
            source.wrap(KEY, b"aad")
        with pytest.raises(KekUnavailableError, match="altered"):
            source.unwrap(wrapped, b"aad")


def test_gcp_bad_request_while_wrapping_is_unavailable() -> None:
    double = key_services.GoogleKms()
    with key_services.serving(double):
        source = gcp(double)
        double.fail = (400, b'{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}')
        with pytest.raises(KekUnavailableError, match="refused to encrypt"):
            source.wrap(KEY, b"aad")


@pytest.mark.parametrize(
    ("module", "make"),
    [
        ("boto3", lambda: AwsKmsSource({"key": "k"})),
        ("google.cloud.kms_v1", lambda: gcp_kms.GcpKmsSource({"key": key_services.GCP_KEY})),
        ("keyring", lambda: os_keyring.new_keyring_key(ENTROPY)),
    ],
)
def test_missing_extra_says_how_to_install_it(
    module: str, make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(KekUnavailableError, match="pip install 'watchword"):
        make()  # type: ignore[operator]


# -- choosing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        (KekChoice("passphrase"), "passphrase is needed"),
        (KekChoice("passphrase", passphrase=PASSPHRASE, demo=True), "only a key file"),
        (KekChoice("key-file"), "--key-file"),
    ],
)
def test_choice_that_lacks_something_is_refused(choice: KekChoice, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        KekSources(ENTROPY, VaultEnvironment()).new(choice)


def test_passphrase_vault_asks_for_one() -> None:
    with pytest.raises(ConfigurationError, match="opens with a passphrase"):
        KekSources(ENTROPY, VaultEnvironment()).of(KekDescription("passphrase"), None)
