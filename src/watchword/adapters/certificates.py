"""X.509: certificate authorities that can vouch for a few names only, and server certificates under them.

Never touches HOME and never trusts anything; where the bytes lie is `bootstrap.tls`'s affair.

Source: RFC 5280, sections 4.2.1.9 (basic constraints), 4.2.1.10 (name constraints) and 4.2.1.12 (extended key usage).
"""

import datetime as dt
import ipaddress
from typing import Final, Self

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from watchword.gateway.certificate_names import Names
from watchword.kernel.errors import ConfigurationError

SECOND_US: Final = 1_000_000
DAY_US: Final = 86_400 * SECOND_US
#: A client's clock may be behind ours by as much.
BACKDATED_US: Final = DAY_US
#: Tells authorities of the same name apart, in trust stores and for people.
MARK_LENGTH: Final = 8
_EVERY_ADDRESS: Final = tuple(ipaddress.ip_network(text) for text in ("0.0.0.0/0", "::/0"))

_PEM: Final = serialization.Encoding.PEM


class Description(msgspec.Struct, frozen=True):
    """A certificate, for people.

    Attributes:
        subject: Its common name.
        names: What it speaks for, or may vouch for.
        fingerprint: SHA-256 of its DER form, `AB:CD:…`.
        ends_us: End of its validity, epoch microseconds.
    """

    subject: str
    names: Names
    fingerprint: str
    ends_us: int


class Authority:
    """A certificate authority: its certificate and its private key.

    It may vouch for the names it was made for, for TLS servers, and for no other authority. Whoever steals its key can
    pose as these names and as nobody else.
    """

    def __init__(self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
        self._certificate = certificate
        self._key = key

    @classmethod
    def make(cls, subject: str, names: Names, now_us: int, days: int) -> Self:
        """Make a new one.

        Args:
            subject: Common name, shown by trust stores; a mark of its key is put behind.
            names: The only names it may ever vouch for.
            now_us: Start of its validity.
            days: Length of it.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        mark = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()[:MARK_LENGTH]
        name = _common_name(f"{subject} {mark}")
        usage = _usage(signs_certificates=True)
        builder = (
            _builder(name, name, key, now_us, now_us + days * DAY_US)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_constraints(names), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
            )
        )
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def read(cls, pem: bytes, origin: str) -> Self:
        """Read what `private_pem` gave.

        Args:
            pem: Certificate and private key.
            origin: The file, for the error text.

        Raises:
            ConfigurationError: It is not a certificate with its key.
        """
        try:
            certificate = x509.load_pem_x509_certificate(pem)
            key = serialization.load_pem_private_key(pem, None)
            certificate.verify_directly_issued_by(certificate)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise ConfigurationError(f"{origin} does not hold a certificate authority and its key") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise ConfigurationError(f"in {origin} the key is not that of the certificate")
        return cls(certificate, key)

    def issue(self, names: Names, now_us: int, lifetime_us: int) -> bytes:
        """Make a server certificate with a key of its own; it never outlives this authority.

        Args:
            names: What it speaks for; all permitted.
            now_us: Start of its validity.
            lifetime_us: Length of it.

        Returns:
            Certificate and private key, PEM in one piece: to be kept secret.

        Raises:
            ConfigurationError: A name is not permitted, or this authority has ended.
        """
        foreign = sorted({*_all(names)} - {*_all(self.names)})
        if foreign:
            raise ConfigurationError(f"this certificate authority may not vouch for {', '.join(foreign)}")
        if now_us >= self.ends_us:
            raise ConfigurationError("this certificate authority has ended")
        key = ec.generate_private_key(ec.SECP256R1())
        ends_us = min(now_us + lifetime_us, self.ends_us)
        builder = (
            _builder(_common_name("Watchword gateway"), self._certificate.subject, key, now_us, ends_us)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM) + _private(key)

    @property
    def names(self) -> Names:
        """The only names it may vouch for."""
        return _names_of(self._certificate)

    @property
    def ends_us(self) -> int:
        """End of its validity, epoch microseconds."""
        return _ends_us(self._certificate)

    def public_pem(self) -> bytes:
        """Return the certificate: what clients are told to trust."""
        return self._certificate.public_bytes(_PEM)

    def private_pem(self) -> bytes:
        """Return certificate and private key: to be kept secret."""
        return self.public_pem() + _private(self._key)

    def vouches_for(self, pem: bytes) -> bool:
        """Whether a certificate was issued by this authority."""
        try:
            x509.load_pem_x509_certificate(pem).verify_directly_issued_by(self._certificate)
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True


def describe(pem: bytes, origin: str) -> Description:
    """Describe a certificate.

    Args:
        pem: It, perhaps with its key behind.
        origin: The file, for the error text.

    Raises:
        ConfigurationError: There is none.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = _names_of(certificate)
    except (ValueError, x509.ExtensionNotFound) as error:
        raise ConfigurationError(f"{origin} does not hold a certificate of ours") from error
    subject = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Description(
        subject=str(subject[0].value) if subject else "",
        names=names,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        ends_us=_ends_us(certificate),
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now_us: int, ends_us: int
) -> x509.CertificateBuilder:
    """Begin a certificate with what all have."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_moment(now_us - BACKDATED_US))
        .not_valid_after(_moment(ends_us))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _constraints(names: Names) -> x509.NameConstraints:
    """Permit these names only. A kind of name that is not mentioned would be free, so addresses always are."""
    permitted = [
        *(x509.DNSName(host) for host in names.hosts),
        *(x509.IPAddress(ipaddress.ip_network(address)) for address in names.addresses),
    ]
    excluded = None if names.addresses else [x509.IPAddress(network) for network in _EVERY_ADDRESS]
    return x509.NameConstraints(permitted, excluded)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _names_of(certificate: x509.Certificate) -> Names:
    """Read back what an authority may vouch for, or what a server certificate speaks for."""
    found: list[x509.GeneralName]
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        found = list(constraints.permitted_subtrees or ())
    except x509.ExtensionNotFound:
        found = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    return Names(
        tuple(name.value for name in found if isinstance(name, x509.DNSName)),
        tuple(str(name.value).partition("/")[0] for name in found if isinstance(name, x509.IPAddress)),
    )


def _general_names(names: Names) -> list[x509.GeneralName]:
    return [
        *(x509.DNSName(host) for host in names.hosts),
        *(x509.IPAddress(ipaddress.ip_address(address)) for address in names.addresses),
    ]


def _all(names: Names) -> tuple[str, ...]:
    return (*names.hosts, *names.addresses)


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _moment(at_us: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_us // SECOND_US, dt.UTC)


def _ends_us(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp()) * SECOND_US


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
