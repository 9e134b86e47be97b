"""Each file a bot keeps its secret in, imported as a user does, blanked or not, typed or told; nothing half done."""

import json
import secrets
import shutil
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import key_files_of_bots
from tests.support.canary import Canary, in_files
from tests.support.key_pairs import new_key_pair
from tests.support.terminal import typed
from tests.support.vault_process import VaultUser

from watchword.bootstrap.vault_host import VaultHost
from watchword.credentials.keypair import hmac_signer
from watchword.credentials.pem import read_private
from watchword.kernel.secret import Secret

LETTERS = string.ascii_letters + string.digits
PASSWORD = "hummingbot's own password"


def word() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(64))


@pytest.fixture
def user(tmp_path: Path) -> VaultUser:
    """Somebody with a home."""
    return VaultUser(tmp_path / "home")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new vault on a key file, to be copied."""
    somebody = VaultUser(tmp_path_factory.mktemp("template") / "home")
    with somebody.hosted_here():
        somebody.run("vault", "init", "--kek", "key-file", "--key-file", somebody.home.parent / "kek")
    return somebody.home


@pytest.fixture
def host(user: VaultUser, template: Path) -> Iterator[VaultHost]:
    """An unsealed vault, held in this process."""
    shutil.copytree(template, user.home)
    with user.hosted_here() as held:
        user.run("vault", "unseal")
        yield held


class Source:
    """A bot's file.

    Attributes:
        content: Its bytes.
        options: What the import needs besides.
        kept: What must still stand in it when it is blanked.
        signature: Of `payload` by the secret.
    """

    def __init__(self, name: str, content: bytes, kept: bytes, secret: str | Secret, *options: str) -> None:
        self.name = name
        self.content = content
        self.kept = kept
        self.options = options
        self.canary = Canary(name, (secret if isinstance(secret, str) else secret.reveal().decode()).encode())

    def signature(self) -> str:
        """What the original secret signs."""
        found = read_private(self.canary.secret)
        signer = found.signer() if hasattr(found, "signer") else hmac_signer(Secret(self.canary.secret))
        return signer.sign(b"payload")


def freqtrade(key: str, secret: str) -> Source:
    text = (
        f'{{\n  // my bot\n  "exchange": {{"name": "binance", "key": "{key}", "secret": "{secret}",}},\n}}\n'
    )
    return Source("config.json", text.encode(), b"// my bot", secret)


def ccxt(key: str, secret: str) -> Source:
    content = json.dumps(
        {"binance": {"apiKey": key, "secret": secret}, "kraken": {"apiKey": "x", "secret": "y"}}
    )
    return Source("keys.json", content.encode(), b"kraken", secret)


def dotenv(key: str, secret: str) -> Source:
    content = f"# bot\nBINANCE_API_KEY={key}\nexport BINANCE_API_SECRET='{secret}'\nPORT=1\n"
    return Source(".env", content.encode(), b"PORT=1", secret)


def hummingbot(key: str, secret: str) -> Source:
    content = key_files_of_bots.connector(key, secret, PASSWORD)
    return Source("binance.yml", content, b"connector: binance", secret, "--passphrase-file", "PASSWORD")


def hummingbot_old(key: str, secret: str) -> Source:
    content = key_files_of_bots.key_file(secret, PASSWORD)
    return Source("encrypted_binance_api_secret.json", content, b"", secret, "--passphrase-file", "PASSWORD")


def pem(key: str, secret: str) -> Source:
    text = new_key_pair("ED25519")[0]
    return Source("bot.pem", text.encode(), b"", text, "--api-key", key)


MAKERS = {
    "freqtrade": freqtrade, "ccxt": ccxt, "env": dotenv, "hummingbot": hummingbot,
    "hummingbot_old": hummingbot_old, "pem": pem,
}  # fmt: skip


def placed(maker: str, folder: Path) -> tuple[Source, Path, list[str], str]:
    """A bot's file on disk, with the words of its import and its API key."""
    key = word()
    source = MAKERS[maker](key, word())
    file = folder / source.name
    file.write_bytes(source.content)
    file.chmod(0o640)
    if maker == "hummingbot_old":
        (folder / source.name.replace("secret", "key")).write_bytes(key_files_of_bots.key_file(key, PASSWORD))
    password = folder / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    options = [str(password) if option == "PASSWORD" else option for option in source.options]
    return source, file, ["credential", "import", str(file), "--upstream", "local", *options], key


@pytest.mark.parametrize("maker", MAKERS)
def test_importer_brings_the_secret_in_and_blanks_its_file_only_when_told(
    maker: str, user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    bot = tmp_path / "bot"
    bot.mkdir()
    source, file, words, key = placed(maker, bot)
    kept = user.run(*words, "--label", "kept", "--no-blank")
    assert "still stands in" in kept.err
    assert file.read_bytes() == source.content
    user.run("credential", "remove", "kept", "--yes")
    (done,) = user.run(*words, "--label", maker, "--blank", "--json").json
    assert done["blanked"] is True
    assert (done["state"], done["api_key"], done["label"]) == ("in vault", key, maker)
    assert host.vault.signer_for(done["id"]).sign(b"payload") == source.signature()  # type: ignore[union-attr]
    assert source.kept in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o640
    assert in_files([source.canary], tmp_path) == []
    assert source.canary.secret.decode() not in "".join(user.said)


def test_blanking_is_offered_at_a_terminal_and_nowhere_else(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    source, file, words, _ = placed("freqtrade", tmp_path)
    home = ["--home", str(user.home)]
    unattended = user.run(*words, "--label", "first")
    assert "still stands" in unattended.err
    assert file.read_bytes() == source.content
    user.run("credential", "remove", "first", "--yes")
    shown = typed([*words, *home], [("blank the secret", b"")], tmp_path)
    assert shown.status == 0, shown.text
    assert "is gone from" in shown.text
    assert source.canary.secret not in file.read_bytes()
    assert source.canary.secret not in shown.screen
    assert source.kept in file.read_bytes()


def test_sealed_vault_keeps_it_waiting_and_offers_blanking_with_a_caution(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    user.run("vault", "seal")
    source, file, words, _ = placed("env", tmp_path)
    shown = typed([*words, "--home", str(user.home)], [("has not taken it in yet", b"")], tmp_path)
    assert shown.status == 0, shown.text
    assert "waiting" in shown.text
    assert file.read_bytes() == source.content, "the default is to keep what the vault has not opened yet"
    opened = user.run("vault", "unseal", "--json").json
    assert len(opened["taken"]) == 1


def test_several_credentials_of_one_file_come_in_under_numbered_labels(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    one, two = word(), word()
    file = tmp_path / ".env"
    file.write_text(f"A_API_KEY={word()}\nA_API_SECRET={one}\nB_API_KEY={word()}\nB_API_SECRET={two}\n")
    done = user.run(
        "credential", "import", file, "--upstream", "local", "--label", "bot", "--blank", "--json"
    ).json
    assert [entry["label"] for entry in done] == ["bot", "bot-2"]
    assert in_files([Canary("a", one.encode()), Canary("b", two.encode())], tmp_path) == []


def test_credential_that_stands_twice_in_a_file_comes_in_once(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    key, secret = word(), word()
    exchange = {
        "name": "binance",
        "key": key,
        "secret": secret,
        "ccxt_config": {"apiKey": key, "secret": secret},
    }
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"exchange": exchange}))
    assert len(user.run("credential", "import", file, "--upstream", "local", "--blank", "--json").json) == 1
    assert in_files([Canary("twice", secret.encode())], tmp_path) == []


def test_file_with_one_unusable_credential_of_two_brings_in_neither(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    text = f"A_API_KEY={word()}\nA_API_SECRET={word()}\nB_API_KEY=short\nB_API_SECRET={word()}\n"
    file.write_text(text)
    assert (
        "64 letters"
        in user.run("credential", "import", file, "--upstream", "local", "--blank", fails=True).err
    )
    same = word()
    double = f"A_API_KEY={same}\nA_API_SECRET={word()}\nB_API_KEY={same}\nB_API_SECRET={word()}\n"
    file.write_text(double)
    assert (
        "already" in user.run("credential", "import", file, "--upstream", "local", "--blank", fails=True).err
    )
    assert file.read_text() == double
    assert user.run("credential", "list", "--json").json == []


@pytest.mark.parametrize(
    ("maker", "change", "says"),
    [
        ("hummingbot", "password", "wrong hummingbot password"),
        ("pem", "api_key", "an API key is needed"),
        ("freqtrade", "cut", "not JSON"),
        ("ccxt", "format", "no freqtrade configuration"),
        ("env", "key", "64 letters and digits"),
        ("pem", "flip", "bot.pem"),
    ],
)
def test_import_that_cannot_be_is_refused_and_changes_nothing(
    maker: str, change: str, says: str, user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    source, file, words, key = placed(maker, tmp_path)
    if change == "password":
        (tmp_path / "password").write_text(PASSWORD[:-1] + "\n")
    elif change == "api_key":
        words = words[: words.index("--api-key")]
    elif change == "cut":
        file.write_bytes(source.content[:-10])
    elif change == "format":
        words += ["--format", "freqtrade"]
    elif change == "key":
        file.write_bytes(source.content.replace(key.encode(), key[:-1].encode()))
    else:
        at = len(source.content) // 2
        file.write_bytes(source.content[:at] + b"!" + source.content[at + 1 :])
    before = file.read_bytes()
    told = user.run(*words, "--blank", fails=True)
    assert says in told.err
    assert source.canary.secret.decode() not in told.err + told.out
    assert file.read_bytes() == before
    assert user.run("credential", "list", "--json").json == []


def test_file_that_changes_while_it_is_imported_is_not_blanked(
    user: VaultUser, host: VaultHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from watchword.entrypoints.cli import credential_import

    source, file, words, _ = placed("env", tmp_path)
    real = credential_import.post

    def post(*given: object) -> object:
        file.write_bytes(source.content + b"MORE=1\n")
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(credential_import, "post", post)
    told = user.run(*words, "--blank", fails=True)
    assert "changed since it was read" in told.err
    assert file.read_bytes() == source.content + b"MORE=1\n"
    assert user.run("credential", "list", "--json").json[0]["state"] == "in vault"


def test_encrypted_private_key_opens_with_its_passphrase(
    user: VaultUser, host: VaultHost, tmp_path: Path
) -> None:
    from watchword.adapters.system import SystemEntropy
    from watchword.credentials.keypair import generate

    key = generate("ed25519", SystemEntropy())
    file, phrase = tmp_path / "bot.pem", tmp_path / "phrase"
    file.write_bytes(key.export(Secret(b"of the key"), SystemEntropy()))
    phrase.write_text("of the key\n")
    words = ["credential", "import", str(file), "--upstream", "local", "--api-key", word(), "--no-blank"]
    assert "passphrase" in user.run(*words, fails=True).err
    (done,) = user.run(*words, "--passphrase-file", phrase, "--json").json
    assert done["key_type"] == "ED25519"
    assert host.vault.signer_for(done["id"]).sign(b"p") == key.signer().sign(b"p")  # type: ignore[union-attr]
