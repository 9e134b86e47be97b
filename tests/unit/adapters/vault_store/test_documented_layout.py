"""docs/formats/vault.md is enough to open a vault: read here with nothing of Watchword, only the key and the document."""

import base64
import hashlib
import json
import sqlite3
import struct
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.support.vaults import HMAC_SECRET, host_with, post, record
from tink import hybrid, proto_keyset_format, secret_key_access
from tink.proto import aes_gcm_pb2, tink_pb2

from watchword.bootstrap.kek_sources import KekChoice
from watchword.kernel.secret import Secret
from watchword.vault.record import RealCredential

CONTEXT = b"watchword/vault/1/"


def sha256(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


def sized(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def raw_unwrapped(key: bytes, wrapped: bytes, bound: bytes) -> bytes:
    assert wrapped[:1] == b"\x01"
    return AESGCM(key).decrypt(wrapped[1:13], wrapped[13:], bound)


def opened(keyset: bytes, ciphertext: bytes, bound: bytes) -> bytes:
    """Tink's AEAD by hand: prefix, nonce, AES-256-GCM."""
    version, number = struct.unpack_from(">BI", ciphertext)
    assert version == 1
    (key,) = [one for one in tink_pb2.Keyset.FromString(keyset).key if one.key_id == number]
    raw = aes_gcm_pb2.AesGcmKey.FromString(key.key_data.value).key_value
    assert len(raw) == 32
    return AESGCM(raw).decrypt(ciphertext[5:17], ciphertext[17:], bound)


class Files:
    """What lies in a home, read as the document says."""

    def __init__(self, home: Path, key_file: Path) -> None:
        db = sqlite3.connect(home / "vault" / "vault.db")
        assert db.execute("PRAGMA application_id").fetchone()[0] == int.from_bytes(b"WWV1", "big")
        assert db.execute("PRAGMA user_version").fetchone()[0] == 1
        self.meta: dict[str, bytes] = {}
        for name, value, checksum in db.execute("SELECT * FROM meta"):
            assert checksum == sha256(sized(name.encode(), value))[:16]
            self.meta[name] = value
        self.secrets = db.execute("SELECT * FROM secrets ORDER BY id").fetchall()
        self.inbox = db.execute("SELECT * FROM inbox").fetchall()
        db.close()
        mark, _, text = key_file.read_bytes().partition(b":")
        assert mark == b"watchword-kek-1"
        bound = CONTEXT + b"kek/" + sha256(self.meta["header"]) + sha256(self.meta["source"])
        self.kek = raw_unwrapped(base64.b64decode(text), self.meta["kek"], bound)
        self.header: dict[str, Any] = json.loads(self.meta["header"])
        self.vault_id: bytes = self.header["vault_id"].encode()

    def secret(self, row: tuple[Any, ...]) -> bytes:
        """Open one row."""
        secret_id, kind, version, record_, wrapped, ciphertext, checksum = row
        parts = (secret_id.encode(), kind.encode(), str(version).encode(), record_, wrapped, ciphertext)
        assert checksum == sha256(sized(*parts))[:16]
        bound = CONTEXT + b"secret/" + sized(self.vault_id, *parts[:3]) + sha256(record_)
        return opened(opened(self.kek, wrapped, bound), ciphertext, bound)

    def manifest(self) -> bytes:
        """What the manifest should hold."""
        rows = b"".join(
            sha256(sized(r[0].encode(), r[1].encode(), str(r[2]).encode(), r[3], r[4], r[5]))
            for r in self.secrets
        )
        return sha256(sha256(self.meta["header"]) + sha256(self.meta.get("recovery", b"")) + rows)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A vault with an HMAC secret, a private key, a virtual key, shares, and one that waits."""
    key_file = tmp_path / "kek"
    host = host_with(tmp_path / "home", "hmac", choice=KekChoice("key-file", {"path": str(key_file)}))
    made = host.vault.generate("ed25519", record("pair", key_type="ED25519", api_key=""))
    assert isinstance(made, RealCredential)
    assert host.vault.add_virtual_key("vk-1", b"bound", Secret(b"v" * 64)) is None
    assert isinstance(host.vault.new_shares(2, 3, 1), tuple)
    host.vault.rewrap()
    post(host.store, record("waiting"))
    host.close()
    return Files(tmp_path / "home", key_file)


def test_every_secret_opens_by_the_document(files: Files) -> None:
    by_kind = {
        (row[1], json.loads(row[3])["key_type"] if row[1] == "credential" else ""): row
        for row in files.secrets
    }
    assert files.secret(by_kind["credential", "HMAC"]) == HMAC_SECRET
    assert files.secret(by_kind["credential", "ED25519"]).startswith(b"-----BEGIN PRIVATE KEY-----")
    assert files.secret(by_kind["virtual_key", ""]) == b"v" * 64


def test_manifest_and_inbox_are_as_documented(files: Files) -> None:
    bound = CONTEXT + b"manifest/" + sha256(files.meta["header"])
    assert opened(files.kek, files.meta["manifest"], bound) == files.manifest()
    private = opened(files.kek, files.meta["intake"], CONTEXT + b"intake/" + files.vault_id)
    ((item_id, _, record_, sealed, _, refused),) = files.inbox
    handle = proto_keyset_format.parse(private, secret_key_access.TOKEN)
    info = CONTEXT + b"inbox/" + files.vault_id + b"/" + item_id.encode() + b"/" + sha256(record_)
    assert handle.primitive(hybrid.HybridDecrypt).decrypt(sealed, info) == HMAC_SECRET
    assert refused == ""


def test_recovery_set_is_as_documented(tmp_path: Path) -> None:
    from Crypto.Protocol.SecretSharing import Shamir
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    key_file = tmp_path / "kek"
    host = host_with(tmp_path / "home", choice=KekChoice("key-file", {"path": str(key_file)}))
    texts = host.vault.new_shares(2, 3, 1)
    assert isinstance(texts, tuple)
    host.close()
    found = Files(tmp_path / "home", key_file)
    points = []
    for text in texts[1:]:
        body = text.reveal().decode().removeprefix("wwshare-").replace("-", "").upper()
        raw = base64.b32decode(body + "=" * (-len(body) % 8))
        assert len(raw) == 28
        assert raw[24:] == sha256(b"watchword/share/" + raw[:24])[:4]
        version, set_id, threshold, count, index, value = struct.unpack(">B4sBBB16s", raw[:24])
        assert (version, threshold, count) == (1, 2, 3)
        points.append((index, value))
    kept = json.loads(found.meta["recovery"])
    assert kept["set_id"] == set_id.hex()
    key = HKDF(SHA256(), 32, salt=set_id, info=CONTEXT + b"recovery-key").derive(
        Shamir.combine(points, ssss=True)
    )
    bound = CONTEXT + b"recovery/" + found.vault_id + b"/" + kept["set_id"].encode()
    private = raw_unwrapped(key, base64.b64decode(kept["private_wrapped"]), bound)
    handle = proto_keyset_format.parse(private, secret_key_access.TOKEN)
    assert (
        handle.primitive(hybrid.HybridDecrypt).decrypt(base64.b64decode(kept["kek_sealed"]), bound)
        == found.kek
    )


def test_backup_is_as_documented(tmp_path: Path) -> None:
    from watchword.adapters.vault_store.backup import frame

    host = host_with(tmp_path / "home", "main")
    raw = frame(host.store.content())
    host.close()
    mark, rest = raw[:25], raw[25:]
    assert mark == b"watchword-vault-backup-1\n"
    length, digest = struct.unpack_from(">Q32s", rest)
    assert (len(rest) - 40, sha256(rest[40:])) == (length, digest)
    db = sqlite3.connect(":memory:")
    db.deserialize(rest[40:])
    assert db.execute("SELECT count(*) FROM secrets").fetchone() == (1,)
    db.close()
