"""Recognises what a DER structure is and which algorithm it is for. Never loads a key.

Source: RFC 5958 (PKCS#8), RFC 8017 (PKCS#1), RFC 5280 (SPKI, certificates), RFC 5915 (EC), RFC 7292 (PKCS#12).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from watchword.credentials import der

Kind = Literal[
    "pkcs8",
    "pkcs8_encrypted",
    "spki",
    "rsa_private",
    "rsa_public",
    "dsa_private",
    "ec_private",
    "certificate",
    "certificate_request",
    "pkcs12",
    "pkcs7",
    "truncated",
    "unknown",
]

RSA: Final = "RSA"
ED25519: Final = "Ed25519"

_ALGORITHMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1.2.840.113549.1.1.1": RSA,
        "1.2.840.113549.1.1.10": "an RSA-PSS key",
        "1.3.101.112": ED25519,
        "1.3.101.113": "an Ed448 key",
        "1.3.101.110": "an X25519 key, which cannot sign",
        "1.3.101.111": "an X448 key, which cannot sign",
        "1.2.840.10040.4.1": "a DSA key",
        "1.2.840.10045.2.1": "an EC key",
        "1.2.840.113549.1.3.1": "a Diffie-Hellman key, which cannot sign",
    }
)
_CURVES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "1.2.840.10045.3.1.7": "P-256",
        "1.3.132.0.34": "P-384",
        "1.3.132.0.35": "P-521",
        "1.3.132.0.10": "secp256k1",
    }
)


class Shape(msgspec.Struct, frozen=True):
    """What a structure is.

    Attributes:
        kind: Its outer form.
        algorithm: `RSA`, `Ed25519`, or a phrase for people; empty where the form says nothing.
    """

    kind: Kind
    algorithm: str = ""


def recognise(data: bytes) -> Shape:
    """Recognise a DER structure by its first level or two.

    Args:
        data: The decoded body of a key file.

    Returns:
        Its shape; `truncated` where it says it is longer than it is, `unknown` for everything else.
    """
    try:
        outer = der.read_element(data)
        if outer.tag != der.SEQUENCE:
            return Shape("unknown")
        return _by_children(der.read_children(outer.content))
    except der.DerTruncatedError:
        return Shape("truncated") if data[:1] == bytes((der.SEQUENCE,)) else Shape("unknown")
    except ValueError:
        return Shape("unknown")


def _by_children(children: list[der.Element]) -> Shape:
    match [child.tag for child in children]:
        case [der.INTEGER, der.SEQUENCE, der.OCTET_STRING, *_]:
            return Shape("pkcs8", _algorithm(children[1].content))
        case [der.SEQUENCE, der.OCTET_STRING]:
            return Shape("pkcs8_encrypted")
        case [der.SEQUENCE, der.BIT_STRING]:
            return Shape("spki", _algorithm(children[0].content))
        case [der.INTEGER, der.OCTET_STRING, *_]:
            return Shape("ec_private", _sec1_curve(children))
        case [der.SEQUENCE, der.SEQUENCE, der.BIT_STRING]:
            return Shape(_signed_kind(children[0].content))
        case [der.INTEGER, der.SEQUENCE, *_]:
            return Shape("pkcs12")
        case [der.OBJECT_IDENTIFIER, *_]:
            return Shape("pkcs7")
        case tags if set(tags) == {der.INTEGER}:
            return _by_integers(len(tags))
        case _:
            return Shape("unknown")


def _by_integers(count: int) -> Shape:
    """Old formats are bare rows of integers; their number tells them apart."""
    if count == 2:
        return Shape("rsa_public", RSA)
    if count == 6:
        return Shape("dsa_private", "a DSA key")
    return Shape("rsa_private", RSA) if count == 9 else Shape("unknown")


def _algorithm(identifier: bytes) -> str:
    parts = der.read_children(identifier)
    dotted = der.decode_oid(parts[0].content) if parts else ""
    name = _ALGORITHMS.get(dotted, f"a key for algorithm {dotted}")
    if name == "an EC key" and len(parts) > 1:
        return _with_curve(parts[1])
    return name


def _with_curve(parameter: der.Element) -> str:
    dotted = der.decode_oid(parameter.content) if parameter.tag == der.OBJECT_IDENTIFIER else ""
    return f"an EC key ({_CURVES.get(dotted, dotted or 'explicit curve')})"


def _sec1_curve(children: list[der.Element]) -> str:
    for child in children[2:]:
        if child.tag == 0xA0 and (inner := der.read_children(child.content)):
            return _with_curve(inner[0])
    return "an EC key"


def _signed_kind(content: bytes) -> Literal["certificate", "certificate_request"]:
    """A request has version, name, SPKI, attributes; a certificate has a serial number and more fields."""
    tags = [child.tag for child in der.read_children(content)]
    if tags[:3] == [der.INTEGER, der.SEQUENCE, der.SEQUENCE] and len(tags) <= 4:
        return "certificate_request"
    return "certificate"
