"""One row of every kind the accounts have, in which no field has its default."""

from watchword.accounts.model import (
    ApiToken,
    Assignment,
    ExchangeOwnership,
    FormerName,
    Invitation,
    MessageCode,
    MessageFactor,
    Person,
    RecoveryCode,
    Row,
    Session,
    SignIn,
    TotpFactor,
    WebauthnFactor,
)
from watchword.kernel.secret import Secret

NOW_US = 1_790_000_000_000_000
SEED = b"\x00seed of twenty byte"
ANN = "p-Ann000000001"


def digest(number: int) -> bytes:
    """A digest nobody else has."""
    return bytes([number]) * 32


def person(number: int = 1, name: str = "ann", **changed: object) -> Person:
    """A person in whom no field has its default."""
    values: dict[str, object] = {
        "id": ANN[:-1] + str(number), "name": name, "mail": f"{name}@example.org", "role": "trader",
        "phone": "+4915112345678", "password": "$argon2id$v=19$m=8,t=1,p=1$c2FsdA$\u00fc", "created_us": NOW_US,
        "password_us": NOW_US + 1, "enrolled_us": NOW_US + 2, "disabled_us": NOW_US + 3,
        "mail_us": NOW_US + 4, "phone_us": NOW_US + 5,
    }  # fmt: skip
    return Person(**(values | changed))  # type: ignore[arg-type]  # changed by name


def session(number: int = 1, person_id: str = ANN) -> Session:
    """A session in which no field has its default."""
    return Session(
        id=f"s-{number}", person_id=person_id, digest=digest(number), stage="full", factor="totp", factor_us=NOW_US,
        ip="192.0.2.1", agent="curl '\u6d4b\u8bd5'", created_us=NOW_US, seen_us=NOW_US + 5, seen_ip="2001:db8::1",
    )  # fmt: skip


def token(number: int = 1, person_id: str = ANN, label: str = "ci") -> ApiToken:
    """A token in which no field has its default."""
    return ApiToken(
        id=f"t-{number}", person_id=person_id, label=label, digest=digest(number),
        scopes=frozenset(("key.read", "audit.read", "self.read")), created_us=NOW_US, expires_us=NOW_US + 1,
        used_us=NOW_US + 2, used_ip="192.0.2.7", ips=("192.0.2.0/24", "2001:db8::1"),
    )  # fmt: skip


def totp(number: int = 1, person_id: str = ANN, seed: bytes = SEED) -> TotpFactor:
    """An authenticator app in which no field has its default."""
    return TotpFactor(
        id=f"f-totp{number}", person_id=person_id, label="phone", seed=Secret(seed), last_step=59_666_666,
        created_us=NOW_US, confirmed_us=NOW_US + 1, used_us=NOW_US + 2,
    )  # fmt: skip


def one_of_each() -> list[Row]:
    """A person, and one row of every other kind that is theirs."""
    return [
        person(),
        totp(),
        WebauthnFactor(
            id="f-key", person_id=ANN, label="yubi", credential_id=b"\x00\xff" * 16, public_key=b"\xa5\x01\x02",
            sign_count=2**32 - 1, transports=("usb", "nfc"), backed_up=True, created_us=NOW_US, used_us=NOW_US + 1,
        ),
        MessageFactor(
            id="f-mail", person_id=ANN, channel="sms", address="+4915112345678", created_us=NOW_US,
            confirmed_us=NOW_US + 1, used_us=NOW_US + 2,
        ),
        RecoveryCode(id="r-1", person_id=ANN, digest=digest(9), created_us=NOW_US, used_us=NOW_US + 1),
        MessageCode(
            id="c-1", person_id=ANN, factor_id="f-mail", digest=digest(8), created_us=NOW_US,
            expires_us=NOW_US + 600_000_000, tries=4,
        ),
        session(),
        token(),
        Assignment(id="a-1", person_id=ANN, kind="credential", subject="main", by="p-Bob", created_us=NOW_US),
        ExchangeOwnership(id="1000001", account_id=1_000_001, person_id=ANN, by="p-Bob", created_us=NOW_US),
        Invitation(
            id="i-1", person_id=ANN, digest=digest(7), created_us=NOW_US, expires_us=NOW_US + 1, by="p-Bob"
        ),
        SignIn(
            id="h-1", person_id=ANN, at_us=NOW_US, outcome="stepped_up", factor="webauthn", ip="192.0.2.1",
            agent="curl",
        ),
        FormerName(id="ana", person_id="p-Ana000000001"),
    ]  # fmt: skip
