"""What becomes of a vault over the years: other keys, recovery by shares, backups; each told at the command line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.canary import Canary, in_files
from tests.support.vault_process import VaultUser
from tests.support.vaults import HMAC_SECRET, PASSPHRASE, post, record

from watchword.bootstrap.vault_host import VaultHost
from watchword.credentials.keypair import hmac_signer
from watchword.kernel.secret import Secret

SECRET = Canary("secret", HMAC_SECRET)
SIGNED = hmac_signer(Secret(HMAC_SECRET)).sign(b"payload")


@pytest.fixture
def user(tmp_path: Path) -> VaultUser:
    return VaultUser(tmp_path / "home")


@pytest.fixture
def host(user: VaultUser) -> Iterator[VaultHost]:
    """An unsealed vault with one credential, opened by a passphrase, held in this process."""
    with user.hosted_here() as held:
        user.run("vault", "init", "--passphrase-file", "-", stdin=PASSPHRASE.reveal() + b"\n")
        post(held.store, record("main"))
        unsealed(user, PASSPHRASE.reveal())
        yield held


def unsealed(user: VaultUser, passphrase: bytes, *, fails: bool = False) -> str:
    """Try to unseal; what was said."""
    told = user.run("vault", "unseal", "--passphrase-file", "-", stdin=passphrase + b"\n", fails=fails)
    return told.out + told.err


def signs(host: VaultHost) -> bool:
    """Whether the credential still signs as it always did."""
    found = host.vault.records()
    assert isinstance(found, list)
    return [host.vault.signer_for(one.id).sign(b"payload") for one in found] == [SIGNED]  # type: ignore[union-attr]


def test_rekey_changes_what_opens_the_vault_and_nothing_in_it(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    before = host.store.secrets()
    user.run("vault", "rekey", "--kek", "key-file", "--key-file", tmp_path / "kek")
    assert host.store.secrets() == before
    user.run("vault", "seal")
    assert user.run("vault", "status", "--json").json["vault"]["kek"]["kind"] == "key-file"
    user.run("vault", "unseal")
    assert signs(host)
    taken = user.run("vault", "rekey", "--kek", "key-file", "--key-file", tmp_path / "kek", fails=True)
    assert "not overwritten" in taken.err
    assert signs(host)
    user.run(
        "vault", "rekey", "--kek", "passphrase", "--passphrase-file", "-", stdin=b"another one entirely\n"
    )
    user.run("vault", "seal")
    assert "passphrase" in unsealed(user, PASSPHRASE.reveal(), fails=True)
    unsealed(user, b"another one entirely")
    assert signs(host)


def test_rewrap_changes_every_wrapped_key_and_no_secret(user: VaultUser, host: VaultHost) -> None:
    (before,) = host.store.secrets()
    assert "1 secrets re-wrapped" in user.run("vault", "rewrap").out
    (after,) = host.store.secrets()
    assert (after.wrapped_dek != before.wrapped_dek, after.ciphertext) == (True, before.ciphertext)
    user.run("vault", "seal")
    unsealed(user, PASSPHRASE.reveal())
    assert signs(host)


def test_shares_open_with_k_and_never_with_fewer(user: VaultUser, host: VaultHost, tmp_path: Path) -> None:
    out = tmp_path / "shares"
    made = user.run("vault", "shares", "--threshold", "2", "--count", "3", "--out", out, "--json").json
    files = [Path(name) for name in made["files"]]
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600] * 3
    user.run("vault", "seal")

    def tried(*chosen: Path, fails: bool = False) -> str:
        words = [word for file in chosen for word in ("--share-file", str(file))]
        told = user.run("vault", "unseal", *words, fails=fails)
        return told.out + told.err

    assert "2 are needed" in tried(files[0], fails=True)
    assert "2 are needed" in tried(files[0], files[0], fails=True)
    spoiled = tmp_path / "spoiled"
    text = files[1].read_text()
    spoiled.write_text(text[:20] + ("a" if text[20] != "a" else "b") + text[21:])
    assert "share 2" in tried(files[0], spoiled, fails=True)
    assert host.vault.sealed
    tried(files[2], files[0])
    assert signs(host)
    assert "watchword vault rekey" in user.run("vault", "rewrap", fails=True).err
    # The passphrase was forgotten: a new one, set with the shares, is the vault's from now on; the shares stay good.
    user.run(
        "vault", "rekey", "--kek", "passphrase", "--passphrase-file", "-", stdin=b"remembered this time\n"
    )
    user.run("vault", "rewrap")
    user.run("vault", "seal")
    both = files[0].read_bytes() + files[1].read_bytes()
    user.run("vault", "unseal", "--share-file", "-", stdin=both)
    assert signs(host)
    user.run("vault", "seal")
    unsealed(user, b"remembered this time")
    shown = user.run("vault", "shares", "--threshold", "2", "--count", "2")
    assert shown.out.count("wwshare-") == 2
    user.run("vault", "seal")
    assert "older or another set" in tried(files[0], files[1], fails=True)


def test_backup_holds_no_secret_and_comes_back_on_another_machine(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    file = tmp_path / "backups" / "vault.backup"
    file.parent.mkdir()
    user.run("vault", "backup", file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "not overwritten" in user.run("vault", "backup", file, fails=True).err
    assert in_files([SECRET, Canary("passphrase", PASSPHRASE.reveal())], tmp_path) == []
    other = VaultUser(tmp_path / "other")
    with other.hosted_here() as elsewhere:
        assert "held by" in other.run("vault", "restore", file, fails=True).err
        elsewhere.restore(_backed_up(file), replace=False)
        unsealed(other, PASSPHRASE.reveal())
        assert signs(elsewhere)


def _backed_up(file: Path) -> bytes:
    from watchword.adapters.vault_store.backup import read_backup

    return read_backup(file)


def test_older_backup_opens_with_the_older_passphrase(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    file = tmp_path / "old.backup"
    user.run("vault", "backup", file)
    told = user.run(
        "vault", "rekey", "--kek", "passphrase", "--passphrase-file", "-", stdin=b"the newer passphrase\n"
    )
    assert "Older backups still open with the old one" in told.out
    host.restore(_backed_up(file), replace=True)
    assert "passphrase" in unsealed(user, b"the newer passphrase", fails=True)
    unsealed(user, PASSPHRASE.reveal())
    assert signs(host)


def test_demo_vault_refuses_live_credentials_however_they_come(user: VaultUser, tmp_path: Path) -> None:
    with user.hosted_here():
        user.run("vault", "init", "--kek", "key-file", "--key-file", tmp_path / "kek", "--demo")
        user.run("vault", "unseal")
        live = ["--upstream", "live", "--label", "real"]
        added = user.run(
            "credential", "add", *live, "--api-key", "k" * 64, "--secret-stdin", stdin=HMAC_SECRET, fails=True
        )
        assert "demo key file" in added.err
        assert "demo" in user.run("credential", "create", "--generate", "ed25519", *live, fails=True).err
        env = tmp_path / ".env"
        env.write_bytes(b"A_KEY=" + b"k" * 64 + b"\nA_SECRET=" + HMAC_SECRET + b"\n")
        assert "demo" in user.run("credential", "import", env, *live, "--blank", fails=True).err
        assert HMAC_SECRET in env.read_bytes()
        assert "yes: live credentials are refused" in user.run("vault", "status").out
