"""The lease of a key made for one run: renewed, never past its parent, over by itself if nobody renews."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.vault_process import VaultUser
from tests.support.virtual_keys import POLICY, KeysGateway, keys_gateway

from watchword.adapters.system import SystemClock
from watchword.entrypoints.cli import exec as exec_command
from watchword.entrypoints.cli.exec import LEASE_US, RENEW_S, RETRY_S, _leased
from watchword.entrypoints.cli.virtual_keys_client import NoGatewayError
from watchword.entrypoints.cli.virtual_keys_pair import KindOption
from watchword.entrypoints.testnet.admin.expiry import read_expiry, write_expiry


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[KeysGateway]:
    """A gateway that answers for keys."""
    with keys_gateway(tmp_path / "home") as running:
        yield running


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A policy file."""
    (tmp_path / "grid.yaml").write_text(POLICY)
    return tmp_path / "grid.yaml"


def expires_us(gateway: KeysGateway, api_key: str) -> int:
    """Until when a key works."""
    found = gateway.desk.registry.find(api_key)
    assert found is not None
    return found.restrictions.expires_us


def test_lease_is_renewed_while_the_command_runs_and_revoked_at_its_end(
    gateway: KeysGateway, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _leased(gateway.home, "bot", "", "main", policy, KindOption.HMAC, None) as lease:
        first = expires_us(gateway, lease.api_key)
        assert lease.tend() == RENEW_S
        assert expires_us(gateway, lease.api_key) == first
        monkeypatch.setattr(exec_command, "LEASE_US", LEASE_US + 60_000_000)
        assert lease.tend() == RENEW_S
        assert first + 59_000_000 <= expires_us(gateway, lease.api_key) <= first + 90_000_000
    assert gateway.desk.registry.absence(lease.api_key) == "revoked"


def test_lease_never_reaches_past_its_parent(gateway: KeysGateway, policy: Path) -> None:
    VaultUser(gateway.home).run(
        "key",
        "issue",
        "--label",
        "top",
        "--credential",
        "main",
        "--policy",
        policy,
        "--expires",
        "20m",
        "--print-key",
    )
    top = next(key for key in gateway.desk.registry.listed() if key.label == "top")
    with _leased(gateway.home, "bot", "top", "", None, KindOption.ED25519, None) as lease:
        assert "BEGIN PRIVATE KEY" in lease.secret
        for _ in range(2):
            lease.tend()
            end = read_expiry(write_expiry(top.restrictions.expires_us) or "", 0)
            assert expires_us(gateway, lease.api_key) == end


def test_gateway_that_is_away_is_asked_again_and_a_key_that_is_not_revoked_is_named(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    with keys_gateway(home):
        leased = _leased(home, "bot", "", "main", policy, KindOption.HMAC, None)
        lease = leased.__enter__()
    lease.tend()
    assert lease.tend() == RETRY_S
    (home / "audit" / "checkpoint.key").rename(home / "audit" / "aside")
    leased.__exit__(None, None, None)
    assert "works until its lease is over" in capsys.readouterr().err
    (home / "audit" / "aside").rename(home / "audit" / "checkpoint.key")
    with keys_gateway(home) as gateway:
        left_us = expires_us(gateway, lease.api_key) - SystemClock().now_us()
        assert 0 < left_us <= LEASE_US


def test_without_a_gateway_there_is_no_lease(tmp_path: Path, policy: Path) -> None:
    with (
        pytest.raises(NoGatewayError),
        _leased(tmp_path / "none", "bot", "", "main", policy, KindOption.HMAC, None),
    ):
        pytest.fail("a key came from nowhere")
