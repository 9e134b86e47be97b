"""`watchword sign` and `watchword verify`: signatures over a payload, offline. Never sends anything."""

from pathlib import Path
from typing import Annotated
from urllib.parse import quote, unquote

import typer

from watchword.adapters.key_files import read_bounded
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import hmac_signer, hmac_verifier
from watchword.credentials.pem import read_key, read_private
from watchword.credentials.signer import Signer
from watchword.credentials.verifier import HEX_LENGTH, Verifier, decode_base64
from watchword.entrypoints.cli.key_terminal import (
    PASSPHRASE_SOURCES,
    faults_named,
    find_passphrase,
    read_payload,
    refuse,
    warn_if_readable,
)
from watchword.entrypoints.cli.output import EXIT_REFUSED, show_json
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

KeyOption = Annotated[
    Path | None, typer.Option("--key", help="Key file, PEM or any other dialect.", show_default=False)
]
SecretFileOption = Annotated[
    Path | None, typer.Option("--secret-file", help="File that holds an HMAC secret.", show_default=False)
]
PayloadOption = Annotated[
    str, typer.Option("--payload", help="What is signed, exactly; - reads stdin.", show_default=False)
]
PassphraseFileOption = Annotated[
    Path | None, typer.Option(help="File whose first line is the passphrase.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def sign(
    payload: PayloadOption,
    key: KeyOption = None,
    secret_file: SecretFileOption = None,
    passphrase_file: PassphraseFileOption = None,
    urlencoded: Annotated[
        bool, typer.Option("--urlencoded", help="Percent-encode the signature, ready for a query string.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Sign a payload as Binance wants it.

    HMAC gives hex, RSA and Ed25519 give base64. The payload is the query
    string followed by the body, as sent.

    Example: watchword sign --key my-bot.pem --payload 'symbol=BTCUSDT&timestamp=1699564800000'
    """
    with faults_named(as_json=as_json):
        signer = _signer(key, secret_file, passphrase_file, as_json=as_json)
        content = read_payload(payload)
    signature = signer.sign(content)
    encoded = quote(signature, safe="")
    if as_json:
        show_json(
            {
                "key_type": signer.key_type,
                "payload_bytes": len(content),
                "signature": signature,
                "signature_urlencoded": encoded,
            }
        )
    else:
        typer.echo(encoded if urlencoded else signature)


def verify(
    payload: PayloadOption,
    signature: Annotated[
        str, typer.Option("--signature", help="As sent; percent-encoded or not.", show_default=False)
    ],
    key: KeyOption = None,
    secret_file: SecretFileOption = None,
    passphrase_file: PassphraseFileOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a signature over a payload.

    Leaves with status 0 where it is valid and 1 where it is not. --key takes
    the public or the private key.

    Example: watchword verify --key my-bot.pub.pem --payload 'timestamp=1699564800000' --signature 'a4Pm…=='
    """
    given = unquote(signature) if "%" in signature else signature
    with faults_named(as_json=as_json):
        verifier = _verifier(key, secret_file, passphrase_file, as_json=as_json)
        valid = verifier.verify(read_payload(payload), given)
    reason = "" if valid else _why_not(verifier, given)
    if as_json:
        show_json({"key_type": verifier.key_type, "valid": valid, "reason": reason})
    else:
        typer.echo("valid" if valid else f"not valid: {reason}")
    if not valid:
        raise typer.Exit(EXIT_REFUSED)


def _signer(
    key: Path | None, secret_file: Path | None, passphrase_file: Path | None, *, as_json: bool
) -> Signer:
    if secret_file is not None and key is None:
        return hmac_signer(_secret(secret_file))
    path = _only_key(key, secret_file)
    warn_if_readable(path)
    raw = read_bounded(path)
    found = read_private(raw)
    if isinstance(found, KeyProblem) and found.reason == "passphrase_missing":
        found = read_private(raw, _opening(path, passphrase_file))
    if isinstance(found, KeyProblem):
        refuse(found, path, as_json=as_json)
    return found.signer()


def _verifier(
    key: Path | None, secret_file: Path | None, passphrase_file: Path | None, *, as_json: bool
) -> Verifier:
    if secret_file is not None and key is None:
        return hmac_verifier(_secret(secret_file))
    path = _only_key(key, secret_file)
    raw = read_bounded(path)
    found = read_key(raw)
    if not isinstance(found, KeyProblem) and found.public is None:
        found = read_key(raw, _opening(path, passphrase_file))
    if isinstance(found, KeyProblem):
        refuse(found, path, as_json=as_json)
    if found.public is None:
        raise ConfigurationError(f"{path} was not opened")
    return found.public.verifier()


def _only_key(key: Path | None, secret_file: Path | None) -> Path:
    if key is None or secret_file is not None:
        raise ConfigurationError(
            "give --key FILE for an RSA or Ed25519 key, or --secret-file FILE for HMAC; one of them"
        )
    return key


def _opening(path: Path, passphrase_file: Path | None) -> Secret:
    """The passphrase of an encrypted key file."""
    passphrase = find_passphrase(passphrase_file, f"Passphrase of {path}")
    if passphrase is None:
        raise ConfigurationError(
            f"{path} is encrypted: give its passphrase by {PASSPHRASE_SOURCES}, or at a terminal"
        )
    return passphrase.secret


def _secret(path: Path) -> Secret:
    """An HMAC secret from its file; blanks around it do not count, since no secret has any."""
    warn_if_readable(path)
    secret = read_bounded(path).strip()
    if not secret:
        raise ConfigurationError(f"{path} is empty; it should hold the HMAC secret and nothing else")
    if len(secret.split()) > 1 or b"-----" in secret:
        raise ConfigurationError(
            f"{path} holds more than one word, so it is no HMAC secret; a key file goes to --key"
        )
    return Secret(secret)


def _why_not(verifier: Verifier, signature: str) -> str:
    """Say what is wrong with a signature as far as its form shows."""
    if verifier.key_type == "HMAC":
        if len(signature) != HEX_LENGTH:
            return f"an HMAC signature is 64 hex digits, this has {len(signature)} characters"
    elif decode_base64(signature) is None:
        return "it is not base64; in a query string, + / = are sent as %2B %2F %3D"
    return "it was not made by this key over these exact bytes"
