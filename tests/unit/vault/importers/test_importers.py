"""Each importer on the files bots really have: what is found, where it stands, and the file without it."""

import json

import pytest
from tests.support.key_files_of_bots import connector, key_file
from tests.support.vaults import ENTROPY

from watchword.credentials.key_problem import KeyProblem
from watchword.credentials.keypair import generate
from watchword.kernel.secret import Secret
from watchword.vault.importers.detect import detect
from watchword.vault.importers.dotenv import read_dotenv
from watchword.vault.importers.found import Found, Span, blanked
from watchword.vault.importers.hummingbot import open_key_file, read_connector, read_old_file
from watchword.vault.importers.json_config import read_ccxt, read_freqtrade, strip_json
from watchword.vault.importers.pem_file import read_pem_file
from watchword.vault.material import Material, read_material
from watchword.vault.outcome import Refused

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
PASSWORD = Secret(b"hummingbird")

FREQTRADE = f"""{{
    // The exchange: "secret" in a comment is none
    "stake_currency": "USDT", /* block
    comment */
    "exchange": {{
        "name": "binance",
        "key": "{KEY}",
        "secret": "{SECRET}",
        "ccxt_config": {{"apiKey": "{KEY}", "secret": "{SECRET}"}},
        "pair_whitelist": ["BTC/USDT", "这是/USDT",],
    }},
    "telegram": {{"token": "123:abc"}},
}}
"""


def one(found: list[Found] | Refused) -> Found:
    assert isinstance(found, list), found
    return found[0]


def reason(found: object) -> str:
    assert isinstance(found, Refused)
    assert SECRET not in found.reason
    return found.reason


def clean(raw: bytes, found: list[Found] | Refused) -> str:
    assert isinstance(found, list)
    return blanked(raw, [span for each in found for span in each.spans]).decode()


# -- freqtrade and ccxt ----------------------------------------------------------------------------------------


def test_freqtrade_with_comments_and_trailing_commas() -> None:
    raw = FREQTRADE.encode()
    found = read_freqtrade(raw)
    first = one(found)
    assert (first.where, first.api_key, first.secret.reveal()) == ("exchange", KEY, SECRET.encode())
    assert len(found) == 2
    after = clean(raw, found)
    assert SECRET not in after
    assert after == FREQTRADE.replace(SECRET, "")
    assert json.loads(strip_json(after))["exchange"]["secret"] == ""


def test_freqtrade_with_a_byte_order_mark_and_multibyte_text_before_the_secret() -> None:
    raw = (
        b"\xef\xbb\xbf"
        + json.dumps(
            {"bot_name": "机器人", "exchange": {"name": "binance", "key": KEY, "secret": SECRET}},
            ensure_ascii=False,
        ).encode()
    )
    found = read_freqtrade(raw)
    assert clean(raw, found) == raw.decode().replace(SECRET, "")


def test_freqtrade_with_a_private_key_as_its_secret() -> None:
    pem = generate("ed25519", ENTROPY).export(None, ENTROPY).decode()
    raw = json.dumps({"exchange": {"name": "binance", "key": KEY, "secret": pem}}).encode()
    found = read_freqtrade(raw)
    assert one(found).secret.reveal() == pem.encode()
    assert "PRIVATE" not in clean(raw, found)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b'{"exchange": {"name": "kraken", "key": "k", "secret": "s"}}', "kraken"),
        (b'{"exchange": {"name": "binance"}}', "no key with a secret"),
        (b'{"exchange": {"name": "binance", "key": "k", "secret": ""}}', "no key with a secret"),
        (b'{"stake": 1}', "no `exchange`"),
        (b"[]", "no `exchange`"),
        (b'{"exchange": ', "line 1"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_freqtrade_files_without_a_binance_key_are_refused(raw: bytes, text: str) -> None:
    assert text in reason(read_freqtrade(raw))


def test_broken_json_is_refused_without_quoting_it() -> None:
    assert "line 1" in reason(read_freqtrade(f'{{"exchange": {{"secret": "{SECRET}" oops'.encode()))


def test_ccxt_options_and_keys_json() -> None:
    flat = json.dumps({"apiKey": KEY, "secret": SECRET, "enableRateLimit": True}).encode()
    found = read_ccxt(flat)
    assert (one(found).api_key, one(found).where) == (KEY, "top level")
    assert json.loads(clean(flat, found))["secret"] == ""
    several = json.dumps(
        {"kraken": {"apiKey": "x", "secret": "other"}, "binance": {"apiKey": KEY, "secret": SECRET}}
    ).encode()
    found = read_ccxt(several)
    assert [each.where for each in found] == ["binance"]  # type: ignore[union-attr]
    assert json.loads(clean(several, found))["kraken"]["secret"] == "other"


@pytest.mark.parametrize("raw", [b"[1]", b'{"kraken": {"apiKey": "x", "secret": "y"}}', b"{}", b"{"])
def test_ccxt_files_without_a_binance_key_are_refused(raw: bytes) -> None:
    assert reason(read_ccxt(raw))


def test_json_nested_beyond_reason_is_not_followed() -> None:
    deep: dict[str, object] = {"apiKey": KEY, "secret": SECRET}
    for _ in range(20):
        deep = {"a": deep}
    assert isinstance(read_ccxt(json.dumps({"binance": deep}).encode()), Refused)


# -- .env ------------------------------------------------------------------------------------------------------

DOTENV = f"""# my bot, SECRET=none
export BINANCE_API_KEY={KEY}
BINANCE_API_SECRET="{SECRET}"   # keep safe
  FREQTRADE__EXCHANGE__KEY = '{KEY}'
FREQTRADE__EXCHANGE__SECRET='{SECRET}'
EMPTY_API_KEY=x
EMPTY_API_SECRET=
UNRELATED_SECRET=alone
DEBUG=1
"""


def test_dotenv_pairs_quotes_and_comments() -> None:
    raw = DOTENV.encode()
    found = read_dotenv(raw)
    assert isinstance(found, list)
    assert [(each.where, each.api_key, each.secret.reveal()) for each in found] == [
        ("BINANCE_API_SECRET", KEY, SECRET.encode()),
        ("FREQTRADE__EXCHANGE__SECRET", KEY, SECRET.encode()),
    ]
    assert clean(raw, found) == DOTENV.replace(SECRET, "")


@pytest.mark.parametrize(
    ("key_name", "secret_name"),
    [
        ("API_KEY", "API_SECRET"), ("api_key", "api_secret"), ("BINANCE_KEY", "BINANCE_SECRET"),
        ("BINANCE_API_KEY", "BINANCE_SECRET_KEY"), ("APIKEY", "APISECRET"), ("BINANCE_API_KEY", "BINANCE_PRIVATE_KEY"),
        ("BINANCE_API_KEY", "BINANCE_API_SECRET_KEY"), ("BINANCE_API_KEY", "BINANCE_SECRET"),
    ],
)  # fmt: skip
def test_dotenv_names_people_use(key_name: str, secret_name: str) -> None:
    found = one(read_dotenv(f"{key_name}={KEY}\r\n{secret_name}={SECRET}\r\n".encode()))
    assert (found.api_key, found.secret.reveal()) == (KEY, SECRET.encode())


def test_dotenv_private_key_over_lines_and_escaped() -> None:
    pem = generate("ed25519", ENTROPY).export(None, ENTROPY).decode()
    for value in (pem, pem.replace("\n", "\\n")):
        raw = f'BINANCE_API_KEY={KEY}\nBINANCE_PRIVATE_KEY="{value}"\nNEXT=1\n'.encode()
        found = read_dotenv(raw)
        assert one(found).secret.reveal() == pem.encode()
        assert clean(raw, found) == f'BINANCE_API_KEY={KEY}\nBINANCE_PRIVATE_KEY=""\nNEXT=1\n'


@pytest.mark.parametrize("raw", [b"", b"API_SECRET=x\n", b"KEY=1\n", b"API_KEY=1\nAPI_SECRET=  \n"])
def test_dotenv_without_a_pair_is_refused(raw: bytes) -> None:
    assert "no variable" in reason(read_dotenv(raw))


# -- hummingbot ------------------------------------------------------------------------------------------------

#: Source: Ethereum's Web3 Secret Storage Definition, test vectors for PBKDF2-SHA-256 and scrypt.
WEB3_PBKDF2 = {
    "cipher": "aes-128-ctr",
    "cipherparams": {"iv": "6087dab2f9fdbbfaddc31a909735c1e6"},
    "ciphertext": "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    "kdf": "pbkdf2",
    "kdfparams": {
        "c": 262144,
        "dklen": 32,
        "prf": "hmac-sha256",
        "salt": "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
    },
    "mac": "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
}
WEB3_SECRET = "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d"


def web3(**changed: object) -> bytes:
    return json.dumps({"crypto": {**WEB3_PBKDF2, **changed}, "version": 3}).encode()


def test_published_key_file_opens() -> None:
    found = open_key_file(web3(), Secret(b"testpassword"))
    assert isinstance(found, Secret)
    assert found.reveal().hex() == WEB3_SECRET


def test_published_key_file_changed_by_one_bit_does_not() -> None:
    mac, text = str(WEB3_PBKDF2["mac"]), str(WEB3_PBKDF2["ciphertext"])
    for twin in (web3(mac="4" + mac[1:]), web3(ciphertext="4" + text[1:])):
        assert "wrong hummingbot password" in reason(open_key_file(twin, Secret(b"testpassword")))
    assert "wrong" in reason(open_key_file(web3(), Secret(b"testpassworD")))


def test_connector_file_and_blanking() -> None:
    raw = connector(KEY, SECRET, "hummingbird")
    found = read_connector(raw, PASSWORD)
    assert (one(found).api_key, one(found).secret.reveal()) == (KEY, SECRET.encode())
    after = clean(raw, found)
    assert after.endswith("binance_api_secret: \n")
    assert raw.startswith(after[: after.index("binance_api_secret")].encode())
    assert "wrong" in reason(read_connector(raw, Secret(b"x")))


def test_connector_whose_key_alone_was_damaged_is_refused() -> None:
    raw = connector(KEY, SECRET, "hummingbird").replace(b"binance_api_key: 7b", b"binance_api_key: 7c")
    assert reason(read_connector(raw, PASSWORD))


@pytest.mark.parametrize("leading_zero", [False, True])
@pytest.mark.parametrize("kdf", ["pbkdf2", "scrypt"])
def test_old_encrypted_files(kdf: str, leading_zero: bool) -> None:
    secret, key = (
        key_file(text, "hummingbird", kdf=kdf, leading_zero=leading_zero) for text in (SECRET, KEY)
    )
    found = read_old_file(secret, key, PASSWORD)
    assert (one(found).api_key, one(found).secret.reveal()) == (KEY, SECRET.encode())
    assert clean(secret, found) == ""
    assert one(read_old_file(secret, None, PASSWORD)).api_key == ""
    assert reason(read_old_file(secret, b"{}", PASSWORD))
    assert reason(read_old_file(b"{}", None, PASSWORD))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"connector: kraken\n", "no encrypted Binance"),
        (b"kraken_api_key: aa\nkraken_api_secret: bb\n", "no encrypted Binance"),
        (b"binance_api_secret: 7b\n", "no encrypted Binance"),
    ],
)
def test_connector_without_a_binance_credential_is_refused(raw: bytes, text: str) -> None:
    assert text in reason(read_connector(raw, PASSWORD))


def derivation(**changed: object) -> dict[str, object]:
    return {**WEB3_PBKDF2["kdfparams"], **changed}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"{", "not a hummingbot key file"),
        (web3(mac="zz"), "not a hummingbot key file"),
        (web3(cipher="aes-256-gcm"), "aes-256-gcm"),
        (web3(cipherparams={"iv": "00" * 20}), "not read here"),
        (web3(kdf="bcrypt"), "bcrypt"),
        (web3(kdfparams=derivation(prf="hmac-sha512")), "not read here"),
        (web3(kdfparams=derivation(dklen=64)), "another length"),
        (web3(kdfparams=derivation(c=10**9)), "minutes"),
        (web3(kdfparams=derivation(c=0)), "minutes"),
        (web3(kdf="scrypt", kdfparams=derivation(n=1 << 30, r=8, p=1)), "gigabytes"),
        (web3(kdf="scrypt", kdfparams=derivation(n=1000, r=8, p=1)), "gigabytes"),
    ],
)
def test_key_files_that_cannot_or_should_not_be_opened(raw: bytes, text: str) -> None:
    assert text in reason(open_key_file(raw, PASSWORD))


# -- what is it? -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (FREQTRADE.encode(), "freqtrade"),
        (b'// c\n/* d */ {"exchange" : {}}', "freqtrade"),
        (b'{"apiKey": "x"}', "ccxt"),
        (web3(), "hummingbot"),
        (connector(KEY, SECRET, "p"), "hummingbot"),
        (DOTENV.encode(), "env"),
        (b"export A=1", "env"),
        (generate("ed25519", ENTROPY).export(None, ENTROPY), "pem"),
        (b"MC4CAQAwBQYDK2VwBCIEIA==", "pem"),
        (b"\x30\x2e\x02\x01", "pem"),
    ],
)
def test_format_is_recognised(raw: bytes, expected: str) -> None:
    assert detect(raw) == expected


def test_blanking_takes_overlapping_and_unsorted_spans() -> None:
    assert blanked(b"0123456789", [Span(5, 7), Span(1, 3), Span(2, 4)]) == b"04789"
    assert blanked(b"abc", []) == b"abc"


# -- what somebody brings --------------------------------------------------------------------------------------


def material(raw: bytes, passphrase: bytes | None = None) -> Material | KeyProblem | Refused:
    return read_material(Secret(raw), Secret(passphrase) if passphrase else None, ENTROPY, "my.pem")


@pytest.mark.parametrize("raw", [SECRET, SECRET + "\n", " " + SECRET, "short-but-long-enough"])
def test_hmac_secrets_are_taken_without_surrounding_blanks(raw: str) -> None:
    found = material(raw.encode())
    assert isinstance(found, Material)
    assert (found.key_type, found.secret.reveal(), found.public) == ("HMAC", raw.strip().encode(), None)


@pytest.mark.parametrize("kind", ["ed25519", "rsa-2048"])
def test_private_keys_come_out_as_plain_pkcs8(kind: str) -> None:
    key = generate(kind, ENTROPY)  # type: ignore[arg-type]
    for raw, passphrase in ((key.export(None, ENTROPY), None), (key.export(Secret(b"pw"), ENTROPY), b"pw")):
        found = material(raw, passphrase)
        assert isinstance(found, Material)
        assert found.secret.reveal() == key.export(None, ENTROPY)
        assert found.public is not None
        assert found.public.fingerprint == key.public.fingerprint
    locked = material(key.export(Secret(b"pw"), ENTROPY))
    assert isinstance(locked, KeyProblem)
    assert locked.reason == "passphrase_missing"


@pytest.mark.parametrize(
    "raw", [b"two words and more", b"short", b'"' + SECRET.encode() + b'"', "geheim€nis-geheim".encode()]
)
def test_what_is_neither_is_refused(raw: bytes) -> None:
    found = material(raw)
    assert isinstance(found, Refused | KeyProblem)
    assert SECRET not in str(found)


def test_unusable_key_names_its_file() -> None:
    found = material(b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQ\n")
    assert isinstance(found, KeyProblem)
    assert "my.pem" in found.fix


def test_key_file_import_is_the_whole_file() -> None:
    (found,) = read_pem_file(b"anything")
    assert (found.secret.reveal(), found.spans) == (b"anything", (Span(0, 8),))
