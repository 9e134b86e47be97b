"""What a person brings is judged before it is stored, and stored only encrypted to the vault."""

from pathlib import Path

import msgspec
import pytest
from tests.support.key_pairs import new_key_pair
from tests.support.vaults import PASSPHRASE, api_key, cheap_host

from watchword.bootstrap import credential_intake as intake
from watchword.bootstrap.credential_intake import Brought, Prepared
from watchword.bootstrap.kek_sources import KekChoice
from watchword.bootstrap.vault_view import listed, store_of
from watchword.credentials.key_problem import KeyProblem
from watchword.kernel.errors import ConfigurationError, WatchwordError
from watchword.kernel.secret import Secret
from watchword.vault.outcome import Refused

SECRET = b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


def brought(label: str = "main", secret: bytes = SECRET, **more: object) -> Brought:
    one = Brought(label, "local", api_key(label[0]), Secret(secret), "the secret", ["READING"])
    return msgspec.structs.replace(one, **more)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a sealed vault."""
    host = cheap_host(tmp_path)
    host.create(KekChoice("passphrase", passphrase=PASSPHRASE))
    host.close()
    return tmp_path


def judged(home: Path, one: Brought, beside: tuple[Prepared, ...] = ()) -> Prepared:
    material = intake.material_of(one, None)
    assert not isinstance(material, KeyProblem | Refused)
    return intake.judged(home, one, material, beside)


def test_secret_waits_encrypted_in_the_inbox_of_a_sealed_vault(home: Path) -> None:
    intake.post(home, judged(home, brought()))
    (one,) = listed(store_of(home))
    assert (one.state, one.record.label, one.record.key_type) == ("waiting", "main", "HMAC")
    stored = b"".join(path.read_bytes() for path in (home / "vault").iterdir() if path.is_file())
    assert SECRET not in stored
    assert b"main" in stored


def test_private_key_brings_its_public_half_with_it(home: Path) -> None:
    private, public = new_key_pair("ED25519")
    record = judged(home, brought(secret=private.encode())).record
    assert (record.key_type, record.public_key.strip()) == ("ED25519", public.strip())


@pytest.mark.parametrize("secret", [b"", b"-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----"])
def test_secret_that_cannot_be_read_is_no_material_and_not_quoted(secret: bytes) -> None:
    found = intake.material_of(brought(secret=secret), None)
    assert isinstance(found, KeyProblem | Refused)
    assert "nonsense" not in str(found)


def test_public_key_is_not_taken_for_a_secret() -> None:
    _, public = new_key_pair("ED25519")
    assert isinstance(intake.material_of(brought(secret=public.encode()), None), KeyProblem | Refused)


@pytest.mark.parametrize(
    "other", [{"label": "main", "api_key": api_key("x")}, {"label": "other", "api_key": api_key("m")}]
)
def test_label_or_api_key_that_is_taken_is_refused(home: Path, other: dict[str, str]) -> None:
    first = judged(home, brought())
    with pytest.raises(ConfigurationError):
        judged(home, brought(**other), (first,))
    intake.post(home, first)
    with pytest.raises(ConfigurationError):
        judged(home, brought(**other))
    assert judged(home, brought("third")).record.label == "third"
    assert len(listed(store_of(home))) == 1


def test_credential_without_an_api_key_is_refused(home: Path) -> None:
    with pytest.raises(ConfigurationError, match="API key"):
        judged(home, brought(api_key=""))


def test_vault_that_is_only_for_trying_takes_no_live_credential(tmp_path: Path) -> None:
    host = cheap_host(tmp_path)
    host.create(KekChoice("key-file", demo=True, settings={"path": str(tmp_path / "kek")}))
    host.close()
    with pytest.raises(ConfigurationError, match="live"):
        judged(tmp_path, brought(upstream="live"))
    assert judged(tmp_path, brought()).record.upstream == "local"


def test_home_without_a_vault_is_said_to_have_none(tmp_path: Path) -> None:
    with pytest.raises(WatchwordError):
        judged(tmp_path, brought())
