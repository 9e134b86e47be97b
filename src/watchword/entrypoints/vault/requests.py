"""What can be asked of the process that holds the vault, and what it answers: frozen structs, read strictly from JSON.

A request is one JSON object with `op`. No answer has a field in which a credential's secret could stand. Passphrases
and recovery shares travel as base64, boxed on both sides. Never does anything itself.
"""

import base64
import re
from typing import Any, Final

import msgspec

from watchword.audit.on_behalf import OnBehalf
from watchword.binance.upstreams import Upstream
from watchword.bootstrap.vault_view import VaultView
from watchword.credentials.keypair import KeyKind
from watchword.credentials.permission import Permission
from watchword.kernel.secret import Secret
from watchword.vault.checkup import Checked, CheckReport
from watchword.vault.kek import KekKind
from watchword.vault.outcome import NotFound, Refused, Sealed
from watchword.vault.record import RealCredential

REQUEST_BYTES_MAX: Final = 1 << 16
#: What msgspec quotes of a request: values in single quotes, names of unknown fields.
_QUOTED: Final = re.compile(r"(?<=value )['\"].*['\"]|(?<=unknown field )`.*`", re.DOTALL)


class Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    """What all requests share.

    Attributes:
        on_behalf: For whom the console asks; None for the socket's own user.
    """

    on_behalf: OnBehalf | None = None


class ShowStatus(Request, frozen=True, tag="vault.status"):
    """How the vault is."""


class CreateVault(Request, frozen=True, tag="vault.create"):
    """Make a new vault, sealed. See `KekChoice`."""

    kind: KekKind
    settings: dict[str, str] = {}
    passphrase: Secret | None = None
    demo: bool = False


class Unseal(Request, frozen=True, tag="vault.unseal"):
    """Open the vault with its KEK source, or with recovery shares if any are given."""

    passphrase: Secret | None = None
    shares: list[Secret] = []


class Seal(Request, frozen=True, tag="vault.seal"):
    """Forget the KEK and take back every signer, at once."""


class Rekey(Request, frozen=True, tag="vault.rekey"):
    """Change the KEK source. See `KekChoice`."""

    kind: KekKind
    settings: dict[str, str] = {}
    passphrase: Secret | None = None
    demo: bool = False


class Rewrap(Request, frozen=True, tag="vault.rewrap"):
    """Draw a new KEK and wrap every DEK under it."""


class MakeShares(Request, frozen=True, tag="vault.shares"):
    """Make recovery shares; an older set opens nothing any more."""

    threshold: int
    count: int


class TakeInbox(Request, frozen=True, tag="inbox.take"):
    """Take in what was posted."""


class GenerateCredential(Request, frozen=True, tag="credential.generate"):
    """Make a key pair inside the vault."""

    key_kind: KeyKind
    label: str
    upstream: Upstream
    permissions: list[Permission] = []
    notes: str = ""


class RegisterCredential(Request, frozen=True, tag="credential.register"):
    """Write down the API key the exchange gave for a pair made here."""

    id: str
    api_key: str


class CheckCredential(Request, frozen=True, tag="credential.check"):
    """Ask the credential's exchange what it may do."""

    id: str


class ShowChanges(Request, frozen=True, tag="vault.changes"):
    """Whether it is sealed and when what was checked: asked every second while a person looks, so nothing is read for it."""


class ListChecks(Request, frozen=True, tag="credential.checks"):
    """What the last check of each credential found, since this process began."""


class RemoveCredential(Request, frozen=True, tag="credential.remove"):
    """Delete a credential and its secret for good."""

    id: str


AnyRequest = (
    ShowStatus | CreateVault | Unseal | Seal | Rekey | Rewrap | MakeShares | TakeInbox | GenerateCredential
    | RegisterCredential | CheckCredential | RemoveCredential | ShowChanges | ListChecks
)  # fmt: skip


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How the vault and its process are.

    Attributes:
        sealed: Whether nothing can be opened.
        pid: Of the process that holds it.
        core_dumps_off, not_dumpable, memory_locked: See `Hardening`.
        notes: Why some hardening was not achieved.
        vault: What its store shows; None before `init`.
    """

    sealed: bool
    pid: int
    core_dumps_off: bool
    not_dumpable: bool
    memory_locked: bool
    notes: tuple[str, ...] = ()
    vault: VaultView | None = None


class ChangesAnswer(msgspec.Struct, frozen=True):
    """What may have changed.

    Attributes:
        sealed: Whether nothing can be opened.
        checked_us: When each credential was last checked, epoch microseconds, by id; since `since_us`.
        since_us: When this process began to remember checks.
    """

    sealed: bool
    checked_us: dict[str, int]
    since_us: int


class ChecksAnswer(msgspec.Struct, frozen=True):
    """The last checks.

    Attributes:
        checks: One for each credential that was checked.
        since_us: When this process began to remember them: what was found before is forgotten.
    """

    checks: list[Checked]
    since_us: int


class UnsealedAnswer(msgspec.Struct, frozen=True):
    """What `Unsealed` says."""

    secrets: int
    taken: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    rewrapped: int = 0


class SharesAnswer(msgspec.Struct, frozen=True):
    """Recovery shares, shown this once."""

    shares: tuple[Secret, ...]


class Done(msgspec.Struct, frozen=True):
    """It is done.

    Attributes:
        count: Of what was done, where that is a number.
    """

    count: int = 0


AnyAnswer = (
    StatusAnswer | UnsealedAnswer | SharesAnswer | Done | RealCredential | CheckReport | ChangesAnswer | ChecksAnswer
)  # fmt: skip
Answer = AnyAnswer | Refused | Sealed | NotFound


def read_request(line: bytes) -> AnyRequest | Refused:
    """Read one line. The refusal never quotes what was sent."""
    try:
        request: AnyRequest = _decoder.decode(line)
    except UnicodeDecodeError:
        return Refused("not a request: it is not UTF-8")
    except msgspec.MsgspecError as error:
        return Refused(f"not a request: {_QUOTED.sub('…', str(error))}")
    return request


def write_request(request: AnyRequest) -> bytes:
    """Write one line."""
    return msgspec.json.encode(request, enc_hook=_unboxed) + b"\n"


def write_answer(answer: Answer) -> bytes:
    """Write one line: `{"result": …}`, or `{"error": text, "kind": …}`."""
    if isinstance(answer, Refused | Sealed | NotFound):
        kind = {Refused: "refused", Sealed: "sealed", NotFound: "not_found"}[type(answer)]
        return msgspec.json.encode({"error": str(answer), "kind": kind}) + b"\n"
    return msgspec.json.encode({"result": answer}, enc_hook=_unboxed) + b"\n"


def _unboxed(value: Any) -> str:
    if not isinstance(value, Secret):
        raise TypeError(f"no JSON for {type(value).__name__}")
    return base64.b64encode(value.reveal()).decode("ascii")


def boxed(kind: type[Any], value: Any) -> Any:
    """Read a `Secret` from base64; msgspec's hook for types it does not know."""
    if kind is not Secret or not isinstance(value, str):
        raise TypeError("expected base64")
    try:
        return Secret(base64.b64decode(value, validate=True))
    except ValueError as error:
        raise ValueError("expected base64") from error


_decoder: Final = msgspec.json.Decoder(AnyRequest, dec_hook=boxed)
