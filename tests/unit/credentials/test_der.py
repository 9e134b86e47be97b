import pytest

from watchword.credentials import der
from watchword.credentials.der_shape import Shape, recognise


@pytest.mark.parametrize("length", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_element_of_any_length_reads_back(length: int) -> None:
    element = der.read_element(der.encode(der.OCTET_STRING, b"x" * length))
    assert (element.tag, len(element.content)) == (der.OCTET_STRING, length)


@pytest.mark.parametrize(
    "dotted", ["1.2.840.113549.1.5.13", "2.16.840.1.101.3.4.1.42", "0.9.2342", "1.3.101.112"]
)
def test_object_identifier_reads_back(dotted: str) -> None:
    assert der.decode_oid(der.read_element(der.encode_oid(dotted)).content) == dotted


def test_empty_object_identifier_is_empty() -> None:
    assert der.decode_oid(b"") == ""


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 600_000])
def test_integer_is_never_written_negative(value: int) -> None:
    content = der.read_element(der.encode_integer(value)).content
    assert int.from_bytes(content, "big", signed=True) == value


@pytest.mark.parametrize("raw", [b"", b"\x30", b"\x30\x01", b"\x30\x82\x01", b"\x30\x81\x80"])
def test_element_that_is_cut_off_is_truncated(raw: bytes) -> None:
    with pytest.raises(der.DerTruncatedError):
        der.read_element(raw)


@pytest.mark.parametrize("raw", [b"\x30\x80\x00\x00", b"\x30\x85\x01\x01\x01\x01\x01"])
def test_element_without_definite_length_is_malformed(raw: bytes) -> None:
    with pytest.raises(der.DerMalformedError):
        der.read_element(raw)


INTEGER = der.encode_integer(1)
SEQUENCE = der.encode(der.SEQUENCE)


@pytest.mark.parametrize(
    ("children", "shape"),
    [
        ([], Shape("unknown")),
        ([INTEGER] * 3, Shape("unknown")),
        ([INTEGER] * 6, Shape("dsa_private", "a DSA key")),
        ([INTEGER] * 9, Shape("rsa_private", "RSA")),
        ([INTEGER, der.encode(der.OCTET_STRING)], Shape("ec_private", "an EC key")),
        ([INTEGER, SEQUENCE, der.encode(der.OCTET_STRING)], Shape("pkcs8", "a key for algorithm ")),
        ([der.encode(der.SEQUENCE, der.encode_oid("1.2.3")), der.encode(der.BIT_STRING)],
            Shape("spki", "a key for algorithm 1.2.3")),
        ([der.encode(der.SEQUENCE, der.encode_oid("1.2.840.10045.2.1"), SEQUENCE), der.encode(der.BIT_STRING)],
            Shape("spki", "an EC key (explicit curve)")),
        ([der.encode(der.SEQUENCE, der.encode_oid("1.2.840.10045.2.1")), der.encode(der.BIT_STRING)],
            Shape("spki", "an EC key")),
        ([der.encode(der.BIT_STRING)], Shape("unknown")),
    ],
)  # fmt: skip
def test_structure_is_recognised_by_its_children(children: list[bytes], shape: Shape) -> None:
    assert recognise(der.encode(der.SEQUENCE, *children)) == shape


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"", "unknown"),
        (b"\x04\x05", "unknown"),
        (b"\x30\x05", "truncated"),
        (b"\x30\x80", "unknown"),
        (INTEGER, "unknown"),
    ],
)
def test_bytes_that_are_no_structure_are_told(raw: bytes, kind: str) -> None:
    assert recognise(raw).kind == kind
