"""keygen, sign, verify and key inspect, run in process."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.support.vectors import DIALECT_PASSPHRASE, key_file, signatures
from typer.testing import CliRunner, Result

from watchword import config
from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.pem import read_private, read_public
from watchword.entrypoints.cli import key_terminal, keys
from watchword.kernel.secret import Secret

PASSPHRASE = "seven purple giraffes"
VECTORS = signatures()
K1_PAYLOAD, K1_SIGNATURE = VECTORS["rest"][0]["query"], VECTORS["rest"][0]["signature"]


@pytest.fixture
def app() -> typer.Typer:
    root = typer.Typer()
    keys.mount(root)
    return root


@pytest.fixture
def run(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(config.KEY_PASSPHRASE_VARIABLE, raising=False)
    monkeypatch.setattr(key_terminal, "terminal_present", lambda: False)

    def invoke(*arguments: str, stdin: bytes = b"") -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return invoke


@pytest.fixture
def opener(tmp_path: Path) -> str:
    path = tmp_path / "passphrase"
    path.write_text(PASSPHRASE + "\n")
    path.chmod(0o600)
    return str(path)


def reply(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_help_names_the_variable_that_config_reads() -> None:
    assert config.KEY_PASSPHRASE_VARIABLE in key_terminal.PASSPHRASE_SOURCES


@pytest.mark.parametrize(
    ("kind", "key_type", "bits"), [("ed25519", "ED25519", 256), ("rsa-2048", "RSA", 2048)]
)
def test_keygen_writes_an_encrypted_pair_that_signs(
    run: Any, opener: str, tmp_path: Path, kind: str, key_type: str, bits: int
) -> None:
    report = reply(run("keygen", kind, "--out", "bot", "--passphrase-file", opener, "--json"))
    assert (report["key_type"], report["bits"], report["encrypted"]) == (key_type, bits, True)
    assert (report["kdf"], report["kdf_rounds"], report["passphrase_weakness"]) == (
        "PBKDF2-HMAC-SHA256",
        600_000,
        None,
    )
    private, public = tmp_path / "bot.pem", tmp_path / "bot.pub.pem"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (private, public)} == {0o600}
    assert private.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    opened, shown = (
        read_private(private.read_bytes(), Secret(PASSPHRASE.encode())),
        read_public(public.read_bytes()),
    )
    assert not isinstance(opened, KeyProblem)
    assert not isinstance(shown, KeyProblem)
    assert opened.public.fingerprint == shown.fingerprint == report["fingerprint"]

    signed = reply(run("sign", "--key", "bot.pem", "--payload", "a=1", "--passphrase-file", opener, "--json"))
    checked = run(
        "verify", "--key", "bot.pub.pem", "--payload", "a=1", "--signature", signed["signature_urlencoded"]
    )
    assert (checked.exit_code, checked.stdout) == (0, "valid\n")
    changed = run("verify", "--key", "bot.pub.pem", "--payload", "a=3", "--signature", signed["signature"])
    assert (changed.exit_code, changed.stdout) == (
        1,
        "not valid: it was not made by this key over these exact bytes\n",
    )


def test_keygen_leaves_two_files_and_no_plaintext(run: Any, opener: str, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    result = run("keygen", "ed25519", "--out", "bot", "--passphrase-file", opener)
    assert result.exit_code == 0
    assert {path.name for path in set(tmp_path.rglob("*")) - before} == {"bot.pem", "bot.pub.pem"}
    opened = read_private((tmp_path / "bot.pem").read_bytes(), Secret(PASSPHRASE.encode()))
    assert not isinstance(opened, KeyProblem)
    plain = opened.export(None, None).splitlines()[1]  # type: ignore[arg-type]
    assert plain not in (tmp_path / "bot.pem").read_bytes()
    assert plain.decode() not in result.output
    assert PASSPHRASE not in result.output


def test_keygen_never_overwrites(run: Any, tmp_path: Path) -> None:
    (tmp_path / "bot.pub.pem").write_text("mine")
    result = run("keygen", "ed25519", "--out", "bot", "--no-passphrase")
    assert result.exit_code == 1
    assert "not overwritten" in result.output
    assert not (tmp_path / "bot.pem").exists()
    assert (tmp_path / "bot.pub.pem").read_text() == "mine"


def test_keygen_hmac_writes_one_secret_that_signs(run: Any, tmp_path: Path) -> None:
    report = reply(run("keygen", "hmac", "--json"))
    secret = tmp_path / "watchword-hmac.secret"
    assert report == {"key_type": "HMAC", "secret_file": secret.name, "encrypted": False}
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert len(secret.read_text().strip()) == 64
    signature = run("sign", "--secret-file", secret.name, "--payload", "a=1").stdout.strip()
    assert (
        run("verify", "--secret-file", secret.name, "--payload", "a=1", "--signature", signature).exit_code
        == 0
    )
    assert (
        run(
            "verify", "--secret-file", secret.name, "--payload", "a=1", "--signature", signature.upper()
        ).exit_code
        == 0
    )
    assert "mode 0600" in run("keygen", "hmac", "--out", "again").stdout


def test_keygen_hmac_with_a_passphrase_says_that_there_is_no_such_form(run: Any, opener: str) -> None:
    result = run("keygen", "hmac", "--passphrase-file", opener)
    assert result.exit_code == 1
    assert "no encrypted form" in result.output


def test_keygen_without_passphrase_says_where_one_can_come_from(run: Any, tmp_path: Path) -> None:
    report = reply(run("keygen", "ed25519", "--json"), code=1)
    assert "WATCHWORD_KEY_PASSPHRASE" in report["error"]["found"]
    assert "--no-passphrase" in report["error"]["found"]
    assert list(tmp_path.iterdir()) == []


def test_keygen_in_plain_only_when_told_and_says_so(run: Any, tmp_path: Path) -> None:
    result = run("keygen", "ed25519", "--no-passphrase")
    assert "NOT encrypted" in result.stdout
    assert (tmp_path / "watchword-ed25519.pem").read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


def test_keygen_passphrase_from_the_environment_names_weakness(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(config.KEY_PASSPHRASE_VARIABLE, "password1234")
    result = run("keygen", "ed25519", "--json")
    assert "everyday word 'password'" in json.loads(result.stdout)["passphrase_weakness"]
    assert "passphrase is weak" in result.stderr


def test_keygen_asks_twice_at_a_terminal(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_terminal, "terminal_present", lambda: True)
    typed = f"{PASSPHRASE}\n{PASSPHRASE}\n".encode()
    assert run("keygen", "ed25519", stdin=typed).exit_code == 0
    signed = run(
        "sign", "--key", "watchword-ed25519.pem", "--payload", "a=1", stdin=f"{PASSPHRASE}\n".encode()
    )
    assert signed.exit_code == 0
    assert len(signed.stdout.strip().splitlines()[-1]) == 88
    assert run("keygen", "ed25519", "--out", "other", stdin=b"\n\n").exit_code == 1


def test_keygen_refuses_a_passphrase_as_argument(run: Any) -> None:
    assert run("keygen", "ed25519", "--passphrase", PASSPHRASE).exit_code == 2
    assert run("keygen", "dsa").exit_code == 2


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"x" * 2_000])
def test_passphrase_file_that_cannot_stand_is_named(run: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad").write_bytes(content)
    result = run("keygen", "ed25519", "--passphrase-file", "bad")
    assert result.exit_code == 1
    assert result.stderr.strip()
    assert not (tmp_path / "watchword-ed25519.pem").exists()


def test_sign_reproduces_the_published_vector_from_argument_and_stdin(run: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(VECTORS["keys"]["K1"]["secret"] + "\n")
    (tmp_path / "secret").chmod(0o600)
    assert run("sign", "--secret-file", "secret", "--payload", K1_PAYLOAD).output == K1_SIGNATURE + "\n"
    piped = run("sign", "--secret-file", "secret", "--payload", "-", stdin=K1_PAYLOAD.encode())
    assert piped.output == K1_SIGNATURE + "\n"
    report = reply(run("sign", "--secret-file", "secret", "--payload", K1_PAYLOAD, "--json"))
    assert report == {
        "key_type": "HMAC", "payload_bytes": len(K1_PAYLOAD), "signature": K1_SIGNATURE,
        "signature_urlencoded": K1_SIGNATURE,
    }  # fmt: skip


def test_sign_warns_about_a_line_end_and_signs_it_all_the_same(run: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    with_line_end = run("sign", "--secret-file", "secret", "--payload", "-", stdin=b"a=1\n")
    assert "line end" in with_line_end.stderr
    assert with_line_end.stdout != run("sign", "--secret-file", "secret", "--payload", "a=1").stdout


def test_sign_warns_when_others_can_read_the_secret(run: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    (tmp_path / "secret").chmod(0o644)
    assert "chmod 600 secret" in run("sign", "--secret-file", "secret", "--payload", "a=1").stderr


def test_sign_urlencoded_is_ready_for_a_query(run: Any, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(key_file("ed25519.pkcs8.pem"))
    encoded = run("sign", "--key", "key.pem", "--payload", "a=1", "--urlencoded").stdout.strip()
    assert encoded.endswith("%3D%3D")
    assert run("verify", "--key", "key.pem", "--payload", "a=1", "--signature", encoded).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--payload", "a"], "--key FILE"),
        (["--payload", "a", "--key", "key.pem", "--secret-file", "secret"], "one of them"),
        (["--payload", "a", "--key", "none.pem"], "cannot read none.pem"),
        (["--payload", "a", "--secret-file", "empty"], "is empty"),
        (["--payload", "a", "--secret-file", "key.pem"], "goes to --key"),
        (["--payload", "a", "--key", "secret"], "--secret-file secret"),
        (["--payload", "a", "--key", "cert.pem"], "openssl x509 -in cert.pem"),
        (["--payload", "a", "--key", "public.pem"], "cannot sign"),
        (["--payload", "a", "--key", "locked.pem"], "is encrypted: give its passphrase"),
        (["--payload", "a", "--key", "locked.pem", "--passphrase-file", "wrong"], "does not open"),
    ],
)
def test_sign_that_cannot_be_done_says_what_to_do(
    run: Any, tmp_path: Path, arguments: list[str], words: str
) -> None:
    for name, content in (
        ("key.pem", key_file("ed25519.pkcs8.pem")), ("secret", b"Aa1" * 21 + b"x"), ("empty", b"\n"),
        ("cert.pem", key_file("rsa2048.cert.pem")), ("public.pem", key_file("ed25519.spki.pem")),
        ("locked.pem", key_file("ed25519.pbkdf2.pem")), ("wrong", b"open-sesame-43"),
    ):  # fmt: skip
        (tmp_path / name).write_bytes(content)
    result = run("sign", *arguments)
    assert result.exit_code == 1
    assert words in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("key", "signature", "words"),
    [
        ("--secret-file=secret", "abc", "64 hex digits, this has 3"),
        ("--secret-file=secret", "0" * 64, "not made by this key"),
        ("--key=public.pem", "not base64", "%2B"),
        ("--key=public.pem", "AAAA", "not made by this key"),
    ],
)
def test_verify_says_why_not(run: Any, tmp_path: Path, key: str, signature: str, words: str) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    (tmp_path / "public.pem").write_bytes(key_file("ed25519.spki.pem"))
    result = run("verify", key, "--payload", "a=1", "--signature", signature, "--json")
    report = reply(result, code=1)
    assert report["valid"] is False
    assert words in report["reason"]


def test_verify_with_an_encrypted_key_asks_for_its_passphrase(run: Any, tmp_path: Path) -> None:
    (tmp_path / "locked.pem").write_bytes(key_file("ed25519.pbkdf2.pem"))
    (tmp_path / "opener").write_bytes(DIALECT_PASSPHRASE)
    signed = run(
        "sign", "--key", "locked.pem", "--payload", "a=1", "--passphrase-file", "opener"
    ).stdout.strip()
    arguments = ("verify", "--key", "locked.pem", "--payload", "a=1", "--signature", signed)
    assert run(*arguments, "--passphrase-file", "opener").stdout == "valid\n"
    assert "is encrypted" in run(*arguments).stderr
    assert "certificate" in run("verify", "--key", _cert(tmp_path), *arguments[3:]).stderr


def _cert(folder: Path) -> str:
    (folder / "cert.pem").write_bytes(key_file("rsa2048.cert.pem"))
    return "cert.pem"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ed25519.pkcs8.pem", {"form": "PKCS#8", "private": True, "encrypted": False, "key_type": "ED25519", "bits": 256}),
        ("rsa2048.pkcs1.pem", {"form": "PKCS#1", "private": True, "encrypted": False, "key_type": "RSA", "bits": 2048}),
        ("rsa2048.spki.pem", {"form": "SPKI", "private": False, "encrypted": False, "key_type": "RSA", "opened": True}),
        ("ssh-ed25519.pub", {"form": "OpenSSH", "private": False, "key_type": "ED25519"}),
        ("ed25519.pbkdf2.pem", {"form": "PKCS#8", "private": True, "encrypted": True, "opened": False, "key_type": None,
            "encryption": "PBKDF2, 2,048 rounds", "encryption_weak": True}),
        ("ssh-ed25519-encrypted.private", {"encrypted": True, "opened": False, "key_type": "ED25519"}),
    ],
)  # fmt: skip
def test_inspect_shows_type_size_fingerprint_and_encryption(
    run: Any, tmp_path: Path, name: str, expected: Any
) -> None:
    (tmp_path / name).write_bytes(key_file(name))
    report = reply(run("key", "inspect", name, "--json"))
    assert {field: report[field] for field in expected} == expected
    assert (report["fingerprint"] is None) == (report["key_type"] is None)
    assert "PRIVATE" not in json.dumps(report)


def test_inspect_opens_where_a_passphrase_is_given(run: Any, tmp_path: Path) -> None:
    (tmp_path / "locked.pem").write_bytes(key_file("ed25519.pbkdf2.pem"))
    (tmp_path / "opener").write_bytes(DIALECT_PASSPHRASE)
    report = reply(run("key", "inspect", "locked.pem", "--passphrase-file", "opener", "--json"))
    assert (report["opened"], report["key_type"], report["encrypted"]) == (True, "ED25519", True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ed25519.pkcs8.pem", "NO: whoever reads the file can sign"),
        ("ed25519.spki.pem", "public keys need not be"),
        ("ed25519.pbkdf2.pem", "unknown until it is opened"),
        ("ed25519.pbkdf2.pem", "weak: make it anew"),
        ("rsa2048.spki.pem", "RSA, 2048 bits"),
    ],
)
def test_inspect_for_people(run: Any, tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(key_file(name))
    assert words in run("key", "inspect", name).stdout
    assert ("BEGIN PUBLIC KEY" in run("key", "inspect", name, "--public").stdout) == ("pbkdf2" not in name)


def test_inspect_of_what_is_no_key_names_it_and_the_command(run: Any, tmp_path: Path) -> None:
    (tmp_path / "my cert.pem").write_bytes(key_file("rsa2048.cert.pem"))
    report = reply(run("key", "inspect", "my cert.pem", "--json"), code=1)
    assert report["error"]["reason"] == "certificate"
    assert report["error"]["fix"] == "openssl x509 -in 'my cert.pem' -pubkey -noout > public.pem"
    shown = run("key", "inspect", "my cert.pem")
    assert shown.exit_code == 1
    assert "To fix it:  openssl x509" in shown.stderr


@pytest.mark.parametrize("command", [["keygen"], ["sign"], ["verify"], ["key"], ["key", "inspect"]])
def test_help_is_there(run: Any, command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout
