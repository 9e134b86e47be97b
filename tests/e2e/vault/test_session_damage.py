"""A vault that something happened to, as its owner meets it: a clear word at the command line, the file left alone, a way back."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.vault_process import VaultUser
from tests.support.vaults import HMAC_SECRET, PASSPHRASE, post, record

Damage = Callable[[Path], None]


@pytest.fixture
def user(tmp_path: Path) -> Iterator[VaultUser]:
    """Somebody whose sealed vault holds two credentials, with a backup of it beside."""
    somebody = VaultUser(tmp_path / "home")
    with somebody.hosted_here() as host:
        somebody.run("vault", "init", "--passphrase-file", "-", stdin=PASSPHRASE.reveal() + b"\n")
        for label in ("one", "two"):
            post(host.store, record(label))
        somebody.run("vault", "unseal", "--passphrase-file", "-", stdin=PASSPHRASE.reveal() + b"\n")
        somebody.run("vault", "seal")
        somebody.run("vault", "backup", tmp_path / "backup")
        yield somebody


def database(user: VaultUser) -> Path:
    return user.home / "vault" / "vault.db"


def attempt(user: VaultUser, passphrase: bytes = PASSPHRASE.reveal(), *, fails: bool) -> str:
    told = user.run("vault", "unseal", "--passphrase-file", "-", stdin=passphrase + b"\n", fails=fails)
    return told.out + told.err


def flip_in(part: str) -> Damage:
    """Flip one bit in the middle of a row's value."""

    def flip(path: Path) -> None:
        with sqlite3.connect(path) as db:
            found = db.execute(f"SELECT {part} FROM secrets ORDER BY id").fetchone()[0]
        db.close()
        raw = path.read_bytes()
        at = raw.index(found) + len(found) // 2
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])

    return flip


def swap_rows(path: Path) -> None:
    with sqlite3.connect(path) as db:
        one, two = [row[0] for row in db.execute("SELECT id FROM secrets ORDER BY id")]
        db.execute("UPDATE secrets SET id = 'x' WHERE id = ?", (one,))
        db.execute("UPDATE secrets SET id = ? WHERE id = ?", (one, two))
        db.execute("UPDATE secrets SET id = ? WHERE id = 'x'", (two,))
    db.close()


def drop_row(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM secrets WHERE id = (SELECT min(id) FROM secrets)")
    db.close()


def cut_to(size: int) -> Damage:
    return lambda path: path.write_bytes(path.read_bytes()[:size]) and None


DAMAGES: dict[str, tuple[Damage, str]] = {
    "flipped record": (flip_in("record"), "damaged"),
    "flipped key": (flip_in("wrapped_dek"), "damaged"),
    "flipped secret": (flip_in("ciphertext"), "damaged"),
    "swapped rows": (swap_rows, "damaged"),
    "missing row": (drop_row, "missing"),
    "cut to a page": (cut_to(4096), "damaged or cut off"),
    "cut by a byte": (cut_to(-1), "cut off"),
    "emptied": (cut_to(0), "not a vault"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named_the_file_left_alone_and_a_backup_brings_everything_back(
    name: str, user: VaultUser, tmp_path: Path
) -> None:
    damage, says = DAMAGES[name]
    path = database(user)
    whole = path.read_bytes()
    damage(path)
    spoiled = path.read_bytes()
    assert spoiled != whole
    told = attempt(user, fails=True)
    assert says in told
    assert "restore" in told
    assert path.read_bytes() == spoiled
    path.write_bytes(whole)
    assert "2 secrets" in attempt(user, fails=False)


def test_damaged_vault_is_replaced_by_its_backup_and_kept_aside(tmp_path: Path) -> None:
    somebody = VaultUser(tmp_path / "home")
    with somebody.hosted_here() as host:
        somebody.run("vault", "init", "--kek", "key-file", "--key-file", tmp_path / "kek")
        post(host.store, record("one"))
        somebody.run("vault", "unseal")
        somebody.run("vault", "backup", tmp_path / "backup")
    spoiled = database(somebody).read_bytes()[:5000]
    database(somebody).write_bytes(spoiled)
    with somebody.hosted_here():
        assert "damaged" in somebody.run("vault", "unseal", fails=True).err
        assert "damaged" in somebody.run("vault", "backup", tmp_path / "worse", fails=True).err
        assert not (tmp_path / "worse").exists()
    assert "--replace" in somebody.run("vault", "restore", tmp_path / "backup", fails=True).err
    kept = somebody.run("vault", "restore", tmp_path / "backup", "--replace", "--json").json["kept"]
    assert Path(kept).read_bytes() == spoiled
    with somebody.hosted_here():
        assert somebody.run("vault", "unseal", "--json").json["secrets"] == 1


def test_wrong_passphrase_is_refused_and_the_right_one_still_opens(user: VaultUser) -> None:
    before = database(user).read_bytes()
    for wrong in (PASSPHRASE.reveal()[:-1], PASSPHRASE.reveal() + b" ", PASSPHRASE.reveal().upper()):
        told = attempt(user, wrong, fails=True)
        assert "passphrase" in told
        assert wrong.decode() not in told
    assert database(user).read_bytes() == before
    assert "2 secrets" in attempt(user, fails=False)


@pytest.mark.parametrize("at", [0, 30, 200, -1])
def test_spoiled_backup_is_refused_before_anything_is_touched(
    user: VaultUser, tmp_path: Path, at: int
) -> None:
    file = tmp_path / "backup"
    raw = bytearray(file.read_bytes())
    raw[at] ^= 1
    file.write_bytes(raw)
    before = database(user).read_bytes()
    told = user.run("vault", "restore", file, "--replace", fails=True)
    assert "backup" in told.err
    assert database(user).read_bytes() == before


def test_home_that_cannot_be_written_says_so_and_still_lists(
    user: VaultUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a full or read-only disk; root may write anywhere, so the database itself is told to refuse."""
    import watchword.adapters.vault_store.sqlite as store

    real = store.sqlite3.connect

    def read_only(address: str, **options: object) -> sqlite3.Connection:
        return real(address.replace("mode=rw", "mode=ro"), **options)  # type: ignore[no-any-return,call-overload]

    monkeypatch.setattr(store.sqlite3, "connect", read_only)
    told = user.run(
        "credential", "add", "--upstream", "local", "--label", "more", "--api-key", "k" * 64, "--secret-stdin",
        stdin=HMAC_SECRET, fails=True,
    )  # fmt: skip
    assert "readonly" in told.err
    assert len(user.run("credential", "list", "--json").json) == 2
    monkeypatch.undo()
    assert "2 secrets" in attempt(user, fails=False)
