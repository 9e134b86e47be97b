"""Doors through which a real, unmodified process reaches the doubles of cloud key services, as it would reach the clouds.

AWS: an endpoint whose answers are moto's (`AWS_ENDPOINT_URL_KMS`). Google: a proxy (`HTTPS_PROXY`) behind which
`cloudkms.googleapis.com` is the double, with a certificate of a local authority. Both yield the environment to give to the process.
Nothing leaves this machine.
"""

import contextlib
import datetime as dt
import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import boto3
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from moto import mock_aws
from moto.kms.models import kms_backends
from tests.support.key_services import GoogleKms

REGION: Final = "eu-west-1"
GOOGLE_HOST: Final = "cloudkms.googleapis.com"
_DAY: Final = dt.timedelta(days=1)


@contextlib.contextmanager
def aws_kms() -> Iterator[tuple[str, dict[str, str]]]:
    """Serve moto's KMS.

    Yields:
        The id of a key in it, and the environment of a process that is to use it.
    """

    class Door(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            # moto answers in this process, where it has taken the place of the network.
            answer = requests.post(f"https://kms.{REGION}.amazonaws.com/", body, headers=headers, timeout=10)
            self.send_response(answer.status_code)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *args: object) -> None:
            pass

    pair = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    with mock_aws(), _serving(Door) as port:
        client = boto3.client("kms", REGION, aws_access_key_id="testing", aws_secret_access_key="testing")
        key: str = client.create_key()["KeyMetadata"]["KeyId"]
        yield (
            key,
            {"AWS_ENDPOINT_URL_KMS": f"http://127.0.0.1:{port}", "AWS_EC2_METADATA_DISABLED": "true", **pair},
        )


def forget_aws_keys() -> None:
    """Delete every key, as an owner of the account could; moto does not mind disabled ones."""
    for account in kms_backends.values():
        account[REGION].keys.clear()


@contextlib.contextmanager
def google_kms(service: GoogleKms, folder: Path) -> Iterator[dict[str, str]]:
    """Serve a double as Google's own host, behind a proxy.

    Args:
        service: Answers.
        folder: For certificates and a service account's key file.

    Yields:
        The environment of a process that is to use it.
    """
    context = _certified(folder)

    class Door(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            if self.path != f"{GOOGLE_HOST}:443":
                self.send_error(403)
                return
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with (
                contextlib.suppress(OSError),
                context.wrap_socket(self.connection, server_side=True) as inner,
            ):
                self.rfile, self.wfile = inner.makefile("rb"), inner.makefile("wb")
                self.handle_one_request()
                self.wfile.flush()
            self.close_connection = True

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.seen.append(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, content = service.answer(self.path, headers, body)
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: object) -> None:
            pass

    with _serving(Door) as port:
        account = folder / "service-account.json"
        account.write_text(json.dumps(_service_account()))
        yield {
            "HTTPS_PROXY": f"http://127.0.0.1:{port}",
            "NO_PROXY": "",
            "REQUESTS_CA_BUNDLE": str(folder / "authority.pem"),
            "GOOGLE_APPLICATION_CREDENTIALS": str(account),
            "NO_GCE_CHECK": "true",
        }


@contextlib.contextmanager
def _serving(handler: type[http.server.BaseHTTPRequestHandler]) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _service_account() -> dict[str, Any]:
    """What Google calls a key file: a name, and a key with which the client vouches for itself."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "gateway@p.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


def _certified(folder: Path) -> ssl.SSLContext:
    """Make an authority (`authority.pem`) and a server's context for Google's host."""
    now = dt.datetime.now(dt.UTC)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's authority")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, GOOGLE_HOST)])

    def built(subject: x509.Name, public: ec.EllipticCurvePublicKey, *, authority: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if not authority:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(GOOGLE_HOST)]), critical=False
            )
        return builder.sign(ca_key, hashes.SHA256())

    ca = built(ca_name, ca_key.public_key(), authority=True)
    leaf = built(name, key.public_key(), authority=False)
    (folder / "authority.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    chain = folder / "server.pem"
    chain.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context
