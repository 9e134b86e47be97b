"""Settings: precedence, types, and errors that name the setting and where it came from."""

from pathlib import Path

import pytest

from watchword.config import (
    accounts_database,
    mail_password,
    read_console_settings,
    read_gateway_settings,
    read_settings,
)
from watchword.kernel.errors import ConfigurationError


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("WATCHWORD_")]:
        monkeypatch.delenv(name)


def test_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    settings = read_settings(home=tmp_path)
    assert (settings.home, settings.host, settings.port) == (tmp_path, "127.0.0.1", 8702)
    assert (settings.seed, settings.liquidity, settings.limits_scale) == (None, None, 1.0)


def test_argument_wins_over_environment_over_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watchword.toml").write_text("[testnet]\nport = 1\nseed = 1\nlimits_scale = 0\n")
    monkeypatch.setenv("WATCHWORD_TESTNET_PORT", "2")
    monkeypatch.setenv("WATCHWORD_TESTNET_SEED", "2")
    settings = read_settings(home=tmp_path, port=3)
    assert (settings.port, settings.seed, settings.limits_scale) == (3, 2, 0.0)


def test_home_comes_from_the_environment_and_is_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHWORD_HOME", "here")
    assert read_settings().home == tmp_path / "here"
    assert read_settings(home="there").home == tmp_path / "there"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("1", True), ("0", False)])
def test_environment_texts_become_booleans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, value: bool
) -> None:
    monkeypatch.setenv("WATCHWORD_TESTNET_LIQUIDITY", text)
    assert read_settings(home=tmp_path).liquidity is value


@pytest.mark.parametrize("text", ["-1", "65536", "x", "80.5"])
def test_bad_value_names_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("WATCHWORD_TESTNET_PORT", text)
    with pytest.raises(ConfigurationError, match="environment variable WATCHWORD_TESTNET_PORT"):
        read_settings(home=tmp_path)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[testnet]\nprot = 1\n", "has no setting prot"),
        ("[testnet]\nport = 'x'\n", "toml: port"),
        ("testnet = 1\n", "must be a table"),
        ("[testnet", "cannot read"),
        ("[testnet]\nhome = '/x'\nnot_there = 1\n", "no setting not_there"),
    ],
)
def test_bad_file_is_named(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "watchword.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=named):
        read_settings(home=tmp_path)


def test_certificate_needs_its_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="both"):
        read_settings(home=tmp_path, tls_cert=tmp_path / "cert.pem")
    both = read_settings(home=tmp_path, tls_cert=str(tmp_path / "c"), tls_key=tmp_path / "k")
    assert (both.tls_cert, both.tls_key) == (tmp_path / "c", tmp_path / "k")


def test_every_setting_is_documented() -> None:
    import msgspec

    from watchword.config import Settings

    text = (Path(__file__).parents[2] / "docs" / "recipes" / "settings.md").read_text(encoding="utf-8")
    for field in msgspec.structs.fields(Settings):
        assert f"`{field.name}`" in text, field.name


def test_gateway_reads_its_own_table_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watchword.toml").write_text(
        '[testnet]\nport = 1\n\n[gateway]\nupstream = "demo"\nunseal = true\nproxy_port = 8711\nport = 2\n'
    )
    monkeypatch.setenv("WATCHWORD_GATEWAY_PORT", "3")
    monkeypatch.setenv("WATCHWORD_GATEWAY_ANSWER_TIMEOUT_S", "2.5")
    settings = read_gateway_settings(home=tmp_path, allow_host="a,b")
    assert (settings.upstream, settings.unseal, settings.proxy_port) == ("demo", True, 8711)
    assert (settings.port, settings.answer_timeout_s, settings.allow_host) == (3, 2.5, "a,b")
    assert read_settings(home=tmp_path).port == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"upstream": "mars"}, "upstream"),
        ({"port": 70_000}, "port"),
        ({"answer_timeout_s": 0}, "answer_timeout_s"),
        ({"tls_cert": "a.pem"}, "both"),
        ({"tls": True, "tls_cert": "a.pem", "tls_key": "b.pem"}, "not both"),
    ],
)
def test_gateway_setting_that_does_not_fit_is_refused(
    tmp_path: Path, given: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_gateway_settings(home=tmp_path, **given)


def test_console_reads_its_own_table_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watchword.toml").write_text(
        '[gateway]\nport = 1\n\n[console]\nmail_host = "mx.example.org"\nport = 2\nmail_security = "tls"\n'
    )
    monkeypatch.setenv("WATCHWORD_CONSOLE_PORT", "3")
    settings = read_console_settings(home=tmp_path, origin="https://watchword.example.org")
    assert (settings.port, settings.mail_host, settings.mail_security) == (3, "mx.example.org", "tls")
    assert settings.origin == "https://watchword.example.org"
    assert read_gateway_settings(home=tmp_path).port == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"origin": "watchword.example.org"}, "origin"),
        ({"origin": "https://watchword.example.org/path"}, "origin"),
        ({"limits_scale": 0}, "limits_scale"),
        ({"mail_security": "maybe"}, "mail_security"),
        ({"tls": True, "tls_cert": "a.pem", "tls_key": "b.pem"}, "not both"),
    ],
)
def test_console_setting_that_does_not_fit_is_refused(
    tmp_path: Path, given: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_console_settings(home=tmp_path, **given)


@pytest.mark.parametrize("name", ["MAIL_PASSWORD", "ACCOUNTS_DATABASE"])
def test_secret_of_the_console_comes_from_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    read = {"MAIL_PASSWORD": mail_password, "ACCOUNTS_DATABASE": accounts_database}[name]
    assert read() is None
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv(f"WATCHWORD_{name}_FILE", str(tmp_path / "secret"))
    found = read()
    assert found is not None
    assert found.reveal() == b"from the file"
    monkeypatch.setenv(f"WATCHWORD_{name}", "from the variable")
    with pytest.raises(ConfigurationError, match="not both"):
        read()
