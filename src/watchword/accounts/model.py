"""What is known about people: frozen rows, each of a kind and with an id. Never changes, checks or stores any.

Every row has `id`, unique within its kind; all but `Person` say in `person_id` whose they are (a `FormerName`: were). A token, a code or a
password is never here in clear: sessions, API tokens, invitations and codes as SHA-256 of what the person holds,
passwords as an Argon2id text, and a TOTP seed in a `Secret`, which the store seals.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from watchword.accounts.roles import Action, Role
from watchword.kernel.entropy import Entropy, alphanumeric
from watchword.kernel.secret import Secret

#: Letters and digits behind the marker of an id: 71 bits, drawn, so that nobody counts people by it.
ID_DRAWN_LENGTH: Final = 12
DIGEST_BYTES: Final = 32
AGENT_LENGTH_MAX: Final = 200

#: With what a second factor can be shown.
FactorKind: TypeAlias = Literal["totp", "webauthn", "recovery", "mail", "sms"]
#: Over what a code is sent.
Channel: TypeAlias = Literal["mail", "sms"]
#: How far a session is: `factor` waits for the second factor, `enrol` may only set one up, `full` may act.
Stage: TypeAlias = Literal["factor", "enrol", "full"]
#: What is given to people: a virtual key of the gateway, or a real credential in the vault.
SubjectKind: TypeAlias = Literal["virtual", "credential"]
#: How one step of a sign-in ended.
Outcome: TypeAlias = Literal[
    "signed_in", "password_wrong", "factor_wrong", "locked", "disabled", "stepped_up"
]


class Origin(msgspec.Struct, frozen=True):
    """From where somebody comes.

    Attributes:
        ip: The caller's address.
        agent: What the device says it is, cut to `AGENT_LENGTH_MAX` printable characters; claimed, never believed.
    """

    ip: str = ""
    agent: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who signs in.

    Attributes:
        id: `p-` and twelve letters and digits; lasts, audit rows hang on it.
        name: What they sign in with and what policies call approvers by: lower case, unique, never changed.
        mail: Lower case, unique; clear. Security mails go here.
        phone: `+` and digits, or empty.
        role: What they may do.
        password: Argon2id in PHC text; empty until they enrolled.
        created_us: Epoch microseconds.
        password_us: When the password was last set; 0 for never.
        enrolled_us: When the first second factor was confirmed; 0 before. Nobody signs in fully before.
        disabled_us: Since then they are refused; 0 while they are not.
        mail_us: When a code sent to `mail` last came back; 0: nobody knows whether they read what is sent there.
        phone_us: The same for `phone`.
    """

    id: str
    name: str
    mail: str
    role: Role
    phone: str = ""
    password: str = ""
    created_us: int = 0
    password_us: int = 0
    enrolled_us: int = 0
    disabled_us: int = 0
    mail_us: int = 0
    phone_us: int = 0

    def __repr__(self) -> str:
        return f"Person({self.id!r}, {self.name!r}, {self.role!r}, …)"


class TotpFactor(msgspec.Struct, frozen=True, kw_only=True):
    """An authenticator app.

    Attributes:
        id: `f-` and twelve letters and digits.
        seed: The shared secret, 20 bytes. The only column of all rows a store must seal.
        last_step: The newest 30-second step whose code was taken; it and all before it are refused. 0 for none.
        confirmed_us: When the first code was shown; 0 before, and then it is no factor yet.
        used_us: When a code was last taken; 0 for never.
    """

    id: str
    person_id: str
    label: str
    seed: Secret
    last_step: int = 0
    created_us: int = 0
    confirmed_us: int = 0
    used_us: int = 0


class WebauthnFactor(msgspec.Struct, frozen=True, kw_only=True):
    """A security key or a device's own sensor. Kept only after it was verified once.

    Attributes:
        id: `f-` and twelve letters and digits.
        credential_id: The authenticator's name for it, at most 1,023 bytes; unique.
        public_key: COSE key, bytes.
        sign_count: What the authenticator last counted; must grow unless it is always 0.
        transports: How it is reached, as the browser said: `usb`, `internal`, ….
        backed_up: Whether it is a passkey that leaves the device.
    """

    id: str
    person_id: str
    label: str
    credential_id: bytes
    public_key: bytes
    sign_count: int = 0
    transports: tuple[str, ...] = ()
    backed_up: bool = False
    created_us: int = 0
    used_us: int = 0


class MessageFactor(msgspec.Struct, frozen=True, kw_only=True):
    """An address codes are sent to.

    Attributes:
        id: `f-` and twelve letters and digits.
        channel: `mail` or `sms`.
        address: Mail address or phone number; clear.
        confirmed_us: When the first code came back; 0 before, and then it is no factor yet.
    """

    id: str
    person_id: str
    channel: Channel
    address: str
    created_us: int = 0
    confirmed_us: int = 0
    used_us: int = 0


class RecoveryCode(msgspec.Struct, frozen=True, kw_only=True):
    """One of ten codes on paper.

    Attributes:
        id: `r-` and twelve letters and digits.
        digest: SHA-256 of the code as compared, 32 bytes; unique.
        used_us: When it was spent; 0 while it is good.
    """

    id: str
    person_id: str
    digest: bytes
    created_us: int = 0
    used_us: int = 0


class MessageCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that was sent and not yet shown. Removed when it is taken, spent or replaced.

    Attributes:
        id: `c-` and twelve letters and digits.
        factor_id: The `MessageFactor` it was sent to.
        digest: SHA-256 over id and code, 32 bytes. Six digits can be guessed from it; ten minutes are the guard.
        expires_us: From then on it is refused, epoch microseconds.
        tries: Wrong ones so far.
    """

    id: str
    person_id: str
    factor_id: str
    digest: bytes
    created_us: int = 0
    expires_us: int = 0
    tries: int = 0

    def __repr__(self) -> str:
        return f"MessageCode({self.id!r}, tries={self.tries}, …)"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody signed in on a device. `id` is public and lasts; the token behind it is rotated at every step.

    Attributes:
        id: `s-` and twelve letters and digits.
        digest: SHA-256 of the token, 32 bytes; unique.
        stage: How far it is.
        factor: The second factor last shown; None before.
        factor_us: When it was shown; 0 before, and where it lets in without confirming anything (`sign_in`).
        ip: Where it was opened, and where it was last seen: `seen_ip`.
        agent: The device it was opened on.
        created_us: When the password was accepted; its absolute end counts from here.
        seen_us: Last use; late by up to the flush interval. Its idle end counts from here.
    """

    id: str
    person_id: str
    digest: bytes
    stage: Stage
    factor: FactorKind | None = None
    factor_us: int = 0
    ip: str = ""
    agent: str = ""
    created_us: int = 0
    seen_us: int = 0
    seen_ip: str = ""


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token for programs. Never fresh: what asks for a second factor refuses it.

    Attributes:
        id: `t-` and twelve letters and digits.
        label: What its owner calls it; unique per person.
        digest: SHA-256 of the token, 32 bytes; unique.
        scopes: What it may do at most; its person's role narrows it further.
        expires_us: From then on it is refused, epoch microseconds; every token has an end.
        used_us: Last use, late by up to the flush interval; 0 for never.
        used_ip: From where.
        ips: Addresses and ranges it is accepted from, as `credentials.restriction` writes them; empty: any.
    """

    id: str
    person_id: str
    label: str
    digest: bytes
    scopes: frozenset[Action]
    created_us: int = 0
    expires_us: int = 0
    used_us: int = 0
    used_ip: str = ""
    ips: tuple[str, ...] = ()


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """A virtual key or credential given to a person. One subject may be given to several.

    Attributes:
        id: `a-` and twelve letters and digits; (person_id, kind, subject) is unique.
        subject: Id of the virtual key (`vk-…`) or of the credential in the vault.
        by: Id of the person who gave it.
    """

    id: str
    person_id: str
    kind: SubjectKind
    subject: str
    by: str = ""
    created_us: int = 0


class ExchangeOwnership(msgspec.Struct, frozen=True, kw_only=True):
    """Whose an exchange account on the testnet is. An account has one owner or none.

    Attributes:
        id: The account id in decimal, so that there is one row per account.
        account_id: The same as a number.
        by: Id of the person who said so.
    """

    id: str
    account_id: int
    person_id: str
    by: str = ""
    created_us: int = 0


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """Permission to set a password and a first factor, once. Removed when it is used, replaced or over.

    Attributes:
        id: `i-` and twelve letters and digits; at most one per person.
        digest: SHA-256 of the enrolment token, 32 bytes; unique.
        expires_us: From then on it is refused, epoch microseconds.
        by: Id of the person who invited; empty for the first owner.
    """

    id: str
    person_id: str
    digest: bytes
    created_us: int = 0
    expires_us: int = 0
    by: str = ""


class SignIn(msgspec.Struct, frozen=True, kw_only=True):
    """One line of somebody's sign-in history. Attempts on names nobody has are in the audit trail only.

    Attributes:
        id: `h-` and twelve letters and digits.
        at_us: Epoch microseconds.
        outcome: How it ended.
        factor: The second factor concerned; None where only a password was shown.
    """

    id: str
    person_id: str
    at_us: int
    outcome: Outcome
    factor: FactorKind | None = None
    ip: str = ""
    agent: str = ""


class FormerName(msgspec.Struct, frozen=True, kw_only=True):
    """A name somebody had who was removed. Policies may still name it, so not everybody may give it again.

    Attributes:
        id: The name.
        person_id: Who had it last; there is no such person any more.
    """

    id: str
    person_id: str


#: A second factor that is enrolled and listed; recovery codes are counted, not listed.
Factor: TypeAlias = TotpFactor | WebauthnFactor | MessageFactor
#: Everything a store keeps.
Row: TypeAlias = (
    Person
    | TotpFactor
    | WebauthnFactor
    | MessageFactor
    | RecoveryCode
    | MessageCode
    | Session
    | ApiToken
    | Assignment
    | ExchangeOwnership
    | Invitation
    | SignIn
    | FormerName
)
#: The kinds in the order in which they can be loaded: people first.
ROW_KINDS: Final[tuple[type[Row], ...]] = (
    Person,
    TotpFactor,
    WebauthnFactor,
    MessageFactor,
    RecoveryCode,
    MessageCode,
    Session,
    ApiToken,
    Assignment,
    ExchangeOwnership,
    Invitation,
    SignIn,
    FormerName,
)


def new_id(entropy: Entropy, marker: str) -> str:
    """Draw an id: `marker`, a hyphen and twelve letters and digits."""
    return f"{marker}-{alphanumeric(entropy, ID_DRAWN_LENGTH)}"
