"""Authorities vouch for their names and for nothing else, as OpenSSL sees it and in strict mode."""

import hashlib
import ssl

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.support.tls_hands import shake_hands

from watchword.adapters.certificates import DAY_US, Authority, describe
from watchword.adapters.server_context import server_context
from watchword.adapters.system import SystemClock
from watchword.gateway.certificate_names import Names
from watchword.kernel.errors import ConfigurationError

NOW_US = SystemClock().now_us()
OURS = Names(("localhost", "gateway.lan"), ("127.0.0.1", "::1"))
HOSTS_ONLY = Names(("api.binance.com",))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.make("Watchword gateway CA", OURS, NOW_US, 3_650)


@pytest.fixture(scope="module")
def proxy_authority() -> Authority:
    return Authority.make("Watchword proxy CA", HOSTS_ONLY, NOW_US, 3_650)


@pytest.mark.parametrize("name", ["localhost", "gateway.lan", "127.0.0.1", "::1"])
def test_server_certificate_is_accepted_for_each_of_its_names(authority: Authority, name: str) -> None:
    assert _handshake(authority, authority.issue(OURS, NOW_US, DAY_US), name) == "TLSv1.3"


@pytest.mark.parametrize("name", ["localhosu", "example.com", "127.0.0.2", "x.gateway.lan"])
def test_server_certificate_is_refused_for_another_name(authority: Authority, name: str) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"mismatch|does not match|not valid for"):
        _handshake(authority, authority.issue(OURS, NOW_US, DAY_US), name)


def test_server_certificate_of_another_authority_is_refused(authority: Authority) -> None:
    twin = Authority.make("Watchword gateway CA", OURS, NOW_US, 3_650)
    pem = twin.issue(OURS, NOW_US, DAY_US)
    assert not authority.vouches_for(pem)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(authority, pem, "localhost")


@pytest.mark.parametrize("names", [Names(("localhost", "example.com")), Names(("localhost",), ("10.0.0.1",))])
def test_name_that_is_not_permitted_is_not_issued(authority: Authority, names: Names) -> None:
    with pytest.raises(ConfigurationError, match=r"may not vouch for (example.com|10.0.0.1)"):
        authority.issue(names, NOW_US, DAY_US)


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (Names(("example.com",)), "example.com"),
        (Names(("gateway.lan.example.com",)), "gateway.lan.example.com"),
        (Names(("localhost",), ("10.0.0.1",)), "10.0.0.1"),
        (Names(("localhost",), ("127.0.0.3",)), "127.0.0.3"),
        (Names(("localhost",), ("::2",)), "::2"),
    ],
)
def test_stolen_key_vouches_for_nothing_else(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, names: Names, asked: str
) -> None:
    """A thief would leave our own check out; what the client checks must do."""
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        _handshake(authority, _issued_by_thief(authority, monkeypatch, names), asked)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "::1"])
def test_stolen_key_of_the_proxy_vouches_for_no_address(
    proxy_authority: Authority, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    names = Names(("api.binance.com",), (address,))
    with pytest.raises(ssl.SSLCertVerificationError, match="excluded subtree violation"):
        _handshake(proxy_authority, _issued_by_thief(proxy_authority, monkeypatch, names), address)


def test_proxy_authority_vouches_for_its_hosts(proxy_authority: Authority) -> None:
    pem = proxy_authority.issue(HOSTS_ONLY, NOW_US, DAY_US)
    assert _handshake(proxy_authority, pem, "api.binance.com") == "TLSv1.3"


def test_authority_is_for_tls_servers_and_makes_no_further_authority(authority: Authority) -> None:
    made = x509.load_pem_x509_certificate(authority.public_pem()).extensions
    basic = made.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert made.get_extension_for_class(x509.NameConstraints).critical
    assert list(made.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]


def test_server_certificate_is_no_authority(authority: Authority) -> None:
    made = x509.load_pem_x509_certificate(authority.issue(OURS, NOW_US, DAY_US)).extensions
    assert not made.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = made.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign) == (True, False)


def test_what_is_made_is_valid_a_day_back_and_never_outlives_its_authority(authority: Authority) -> None:
    made = x509.load_pem_x509_certificate(authority.issue(OURS, NOW_US, 9_999 * DAY_US))
    assert int(made.not_valid_before_utc.timestamp()) == (NOW_US - DAY_US) // 1_000_000
    assert describe(authority.issue(OURS, NOW_US, 9_999 * DAY_US), "it").ends_us == authority.ends_us


def test_ended_authority_issues_nothing(authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match="has ended"):
        authority.issue(OURS, authority.ends_us, DAY_US)


def test_authority_is_read_back(authority: Authority) -> None:
    again = Authority.read(authority.private_pem(), "ca-key.pem")
    assert (again.names, again.ends_us, again.public_pem()) == (
        OURS,
        authority.ends_us,
        authority.public_pem(),
    )
    assert authority.vouches_for(again.issue(OURS, NOW_US, DAY_US))
    assert b"PRIVATE" not in again.public_pem()


def test_private_key_of_another_certificate_is_refused(
    authority: Authority, proxy_authority: Authority
) -> None:
    key = proxy_authority.private_pem().removeprefix(proxy_authority.public_pem())
    with pytest.raises(ConfigurationError, match=r"ca-key.pem the key is not that of the certificate"):
        Authority.read(authority.public_pem() + key, "ca-key.pem")


def test_altered_authority_is_refused(authority: Authority) -> None:
    pem = bytearray(authority.private_pem())
    place = pem.index(b"-----END CERTIFICATE") - 20
    pem[place] = ord("A") if pem[place] != ord("A") else ord("B")
    with pytest.raises(ConfigurationError, match=r"ca-key.pem does not hold"):
        Authority.read(bytes(pem), "ca-key.pem")


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_file_that_is_no_certificate_is_named(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"ca-key.pem does not hold"):
        Authority.read(content, "ca-key.pem")
    with pytest.raises(ConfigurationError, match=r"ca-key.pem does not hold"):
        describe(content, "ca-key.pem")


def test_certificate_alone_is_no_authority(authority: Authority) -> None:
    with pytest.raises(ConfigurationError, match="does not hold a certificate authority and its key"):
        Authority.read(authority.public_pem(), "ca-key.pem")


def test_description_names_what_people_compare(authority: Authority) -> None:
    found = describe(authority.public_pem(), "ca.pem")
    made = ssl.PEM_cert_to_DER_cert(authority.public_pem().decode())
    assert found.fingerprint.replace(":", "").lower() == hashlib.sha256(made).hexdigest()
    assert found.names == OURS
    assert found.subject.startswith("Watchword gateway CA ")
    assert (
        found.subject
        != describe(Authority.make("Watchword gateway CA", OURS, NOW_US, 1).public_pem(), "").subject
    )


def _issued_by_thief(authority: Authority, monkeypatch: pytest.MonkeyPatch, names: Names) -> bytes:
    with monkeypatch.context() as patched:
        patched.setattr(Authority, "names", names)
        return authority.issue(names, NOW_US, DAY_US)


def _handshake(authority: Authority, server_pem: bytes, name: str) -> str | None:
    return shake_hands(authority.public_pem().decode(), server_context(server_pem), name).version()
