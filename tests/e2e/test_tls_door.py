"""TLS: the same doors behind a certificate, for clients that insist on it."""

import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.support.doors import open_doors

from watchword.kernel.errors import ConfigurationError


async def test_doors_open_behind_a_certificate(tmp_path: Path) -> None:
    cert, key = _self_signed(tmp_path)
    trusting = ssl.create_default_context(cafile=str(cert))
    async with open_doors(tls_cert=cert, tls_key=key) as doors:
        assert doors.addresses["rest"].startswith("https://127.0.0.1:")
        assert doors.addresses["ws_api"].startswith("wss://127.0.0.1:")
        async with aiohttp.ClientSession() as client:
            async with client.get(doors.addresses["rest"] + "/api/v3/ping", ssl=trusting) as reply:
                assert await reply.json() == {}
            async with client.ws_connect(doors.addresses["ws_api"], ssl=trusting) as socket:
                await socket.send_json({"id": 1, "method": "ping"})
                assert (await socket.receive_json(timeout=5))["result"] == {}


async def test_certificate_that_is_none_is_a_plain_message(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nonsense")
    with pytest.raises(ConfigurationError, match="TLS"):
        async with open_doors(tls_cert=broken, tls_key=broken):
            pass


async def test_port_taken_is_a_plain_message() -> None:
    async with open_doors() as doors:
        port = doors.host_port[1]
        with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port}"):
            async with open_doors(port=port):
                pass


def _self_signed(folder: Path) -> tuple[Path, Path]:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(private, hashes.SHA256())
    )
    cert, key = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return cert, key
