"""`watchword tls …` as a user would run it."""

import json
import ssl
from pathlib import Path

import pytest
from tests.support.tls_hands import shaken
from typer.testing import CliRunner, Result

from watchword.entrypoints.cli.app import app
from watchword.entrypoints.cli.output import show_fields, show_table


def _run(home: Path, *words: str, status: int = 0) -> Result:
    told = CliRunner().invoke(app, ["tls", *words, "--home", str(home)])
    assert told.exit_code == status, (told.stdout, told.stderr)
    return told


def _serves(home: Path, name: str) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(home / "tls" / "server.pem")
    return shaken(_run(home, "show", "--pem", "ca").stdout, context, name) is not None


def test_certificate_is_made_for_this_machine_and_what_is_named(tmp_path: Path) -> None:
    told = _run(tmp_path, "init", "--name", "gateway.lan", "--ip", "192.168.1.5").stdout
    for name in ("localhost", "127.0.0.1", "::1", "gateway.lan", "192.168.1.5"):
        assert _serves(tmp_path, name)
    assert not _serves(tmp_path, "other.lan")
    for client in (
        "REQUESTS_CA_BUNDLE=",
        "NODE_EXTRA_CA_CERTS=",
        "SSL_CERT_FILE=",
        "requests_trust_env",
        '"cafile"',
    ):
        assert client in told
    assert str(tmp_path / "tls" / "ca.pem") in told
    assert "PRIVATE" not in told


def test_scripts_get_files_fingerprints_and_variables(tmp_path: Path) -> None:
    told = json.loads(_run(tmp_path, "init", "--json").stdout)
    assert [one["part"] for one in told["certificates"]] == ["ca", "server"]
    assert told["trust"]["file"] == str(tmp_path / "tls" / "ca.pem")
    assert told["trust"]["environment"]["NODE_EXTRA_CA_CERTS"] == told["trust"]["file"]
    shown = json.loads(_run(tmp_path, "show", "--json").stdout)
    assert shown["certificates"] == told["certificates"]
    assert [one["days_left"] for one in shown["certificates"]] == [3649, 396]


def test_fingerprint_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """`:CD:` is a fingerprint's piece, not a picture of a disc."""
    show_fields({"sha256": "7B:CD:40"})
    show_table("", ("sha256",), [("7B:CD:40",)])
    assert capsys.readouterr().out.count("7B:CD:40") == 2


def test_second_init_changes_nothing_and_says_what_would(tmp_path: Path) -> None:
    _run(tmp_path, "init")
    before = (tmp_path / "tls" / "ca-key.pem").read_bytes()
    told = _run(tmp_path, "init", status=1).stderr
    assert "--renew" in told
    assert "--new-ca" in told
    assert (tmp_path / "tls" / "ca-key.pem").read_bytes() == before


def test_renewal_keeps_what_clients_trust(tmp_path: Path) -> None:
    _run(tmp_path, "init", "--name", "gateway.lan")
    trusted = (tmp_path / "tls" / "ca.pem").read_bytes()
    assert "need not be told" in _run(tmp_path, "init", "--renew").stdout
    assert (tmp_path / "tls" / "ca.pem").read_bytes() == trusted
    assert _serves(tmp_path, "gateway.lan")
    told = _run(tmp_path, "init", "--renew", "--name", "new.lan", status=1).stderr
    assert "may not vouch for new.lan" in told


def test_new_authority_replaces_the_old_one(tmp_path: Path) -> None:
    _run(tmp_path, "init")
    trusted = (tmp_path / "tls" / "ca.pem").read_bytes()
    _run(tmp_path, "init", "--new-ca", "--name", "new.lan")
    assert (tmp_path / "tls" / "ca.pem").read_bytes() != trusted
    assert _serves(tmp_path, "new.lan")


def test_proxy_authority_stands_beside_the_gateway_s(tmp_path: Path) -> None:
    told = _run(tmp_path, "init", "--proxy-for", "testnet").stdout
    assert "testnet.binance.vision" in told
    assert "proxy-token" in told
    assert not (tmp_path / "tls" / "ca.pem").exists()
    _run(tmp_path, "init")
    _run(tmp_path, "init", "--proxy-for", "testnet", status=1)
    _run(tmp_path, "init", "--proxy-for", "testnet", "--new-ca")
    shown = json.loads(_run(tmp_path, "show", "--json").stdout)["certificates"]
    assert [one["part"] for one in shown] == ["ca", "server", "proxy-testnet"]
    assert _run(tmp_path, "show", "--pem", "proxy-testnet").stdout.startswith("-----BEGIN CERTIFICATE")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("init", "--name", "*.lan"), "not a host name"),
        (("init", "--name", "10.0.0.1"), "--ip"),
        (("init", "--ip", "gateway.lan"), "not an IP address"),
        (("init", "--renew"), "watchword tls init"),
        (("init", "--renew", "--new-ca"), "leave --renew out"),
        (("init", "--proxy-for", "mainnet"), "live, testnet, demo, local"),
        (("init", "--proxy-for", "live", "--name", "a.lan"), "--proxy-for takes the upstream's host names"),
        (("show",), "watchword tls init"),
        (("show", "--pem", "server"), "--pem takes one of ca, proxy-live"),
        (("show", "--pem", "proxy-live"), "--proxy-for live"),
    ],
)
def test_refusal_says_what_to_do(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    assert told in _run(tmp_path, *words, status=1).stderr
    assert not (tmp_path / "tls" / "ca-key.pem").exists()


def test_how_clients_are_told_is_shown_again(tmp_path: Path) -> None:
    _run(tmp_path, "init")
    assert "NODE_EXTRA_CA_CERTS" not in _run(tmp_path, "show").stdout
    assert "NODE_EXTRA_CA_CERTS" in _run(tmp_path, "show", "--trust").stdout
