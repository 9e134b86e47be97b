"""The order of checks, each refusal, its wire form, and one-bit twins of what is admitted."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.support.vectors import flip_bit

from watchword.binance import errors
from watchword.credentials.authenticator import (
    PUBLIC,
    AddressRefused,
    Admitted,
    BadParameter,
    BadSignature,
    KeyExpired,
    MalformedKey,
    PermissionMissing,
    SymbolRefused,
    UnknownKey,
    admit,
    admit_in_session,
    to_wire,
)
from watchword.credentials.keypair import hmac_signer, hmac_verifier
from watchword.credentials.model import Credential
from watchword.credentials.permission import DEFAULT_PERMISSIONS, Permission
from watchword.credentials.restriction import Restrictions, read_networks
from watchword.credentials.timing import Ahead, Stale
from watchword.kernel.secret import Secret

NOW_US = 1_700_000_000_000_000
KEY = "k" * 64
IP = "192.0.2.7"
SECRET = Secret(b"s" * 64)
SIGNER = hmac_signer(SECRET)
TRADING: frozenset[Permission] = frozenset(("READING", "SPOT_AND_MARGIN_TRADING"))
CREDENTIAL = Credential(KEY, 1, "HMAC", hmac_verifier(SECRET), TRADING)


class Directory(dict[str, Credential]):
    def find(self, api_key: str) -> Credential | None:
        return self.get(api_key)


class Request:
    """A valid signed request; tests change one thing about it."""

    def __init__(self) -> None:
        self.credential = CREDENTIAL
        self.security: Any = "TRADE"
        self.api_key: str | None = KEY
        self.ip = IP
        self.params = {"symbol": "BTCUSDT", "timestamp": str(NOW_US // 1000)}
        self.payloads: tuple[bytes, ...] = (b"symbol=BTCUSDT",)
        self.signature: str | None = SIGNER.sign(b"symbol=BTCUSDT")
        self.now_us = NOW_US
        self.permission: Any = None

    def admit(self) -> Any:
        return admit(
            Directory({KEY: self.credential}), self.security, self.api_key, self.ip, self.params, self.payloads,
            self.signature, self.now_us, self.permission,
        )  # fmt: skip

    def in_session(self) -> Any:
        directory = Directory({KEY: self.credential})
        return admit_in_session(
            directory, self.security, self.api_key or "", self.ip, self.params, self.now_us
        )

    def restrict(self, **restrictions: Any) -> None:
        self.credential = msgspec.structs.replace(CREDENTIAL, restrictions=Restrictions(**restrictions))


Change = Callable[[Request], object]


def permit(*permissions: Permission) -> Change:
    def change(request: Request) -> None:
        request.credential = msgspec.structs.replace(CREDENTIAL, permissions=frozenset(permissions))

    return change


def put(name: str, value: object) -> Change:
    return lambda request: setattr(request, name, value)


def param(name: str, value: str | None) -> Change:
    def change(request: Request) -> None:
        request.params.pop(name, None)
        if value is not None:
            request.params[name] = value

    return change


ELSEWHERE = read_networks(["198.51.100.0/24"])

#: In the order of checks: each refusal must win over all that stand below it.
REFUSALS: list[tuple[str, Change, type, errors.WireError]] = [
    ("signature absent", put("signature", None), BadParameter, errors.missing("signature")),
    ("signature empty", put("signature", ""), BadParameter, errors.missing("signature")),
    ("timestamp absent", param("timestamp", None), BadParameter, errors.missing("timestamp")),
    ("timestamp malformed", param("timestamp", "x"), BadParameter, errors.illegal("timestamp", "^[0-9]{1,20}$")),
    ("window malformed", param("recvWindow", "60001"), BadParameter, errors.WireError(
        -1102, "'recvWindow' contains unexpected value. Cannot be greater than 60000.")),
    ("key absent", put("api_key", None), MalformedKey, errors.BAD_API_KEY_FORMAT),
    ("key empty", put("api_key", ""), MalformedKey, errors.BAD_API_KEY_FORMAT),
    ("key malformed", put("api_key", "k" * 63 + "-"), MalformedKey, errors.BAD_API_KEY_FORMAT),
    ("key unknown", put("api_key", "K" * 64), UnknownKey, errors.REJECTED_API_KEY),
    ("key expired", lambda r: r.restrict(expires_us=1), KeyExpired, errors.REJECTED_API_KEY),
    ("address refused", lambda r: r.restrict(networks=ELSEWHERE), AddressRefused, errors.REJECTED_API_KEY),
    ("permission missing", permit("READING"), PermissionMissing, errors.REJECTED_API_KEY),
    ("symbol refused", lambda r: r.restrict(symbols=frozenset(("ETHUSDT",))), SymbolRefused, errors.REJECTED_API_KEY),
    ("stale", put("now_us", NOW_US + 5_000_001), Stale, errors.TIMESTAMP_STALE),
    ("ahead", put("now_us", NOW_US - 1_000_000), Ahead, errors.TIMESTAMP_AHEAD),
    ("bad signature", put("signature", "0" * 64), BadSignature, errors.BAD_SIGNATURE),
]  # fmt: skip
NAMES = [name for name, *_ in REFUSALS]


def test_valid_request_is_admitted_with_its_deadline() -> None:
    admitted = Request().admit()
    assert admitted == Admitted(CREDENTIAL, NOW_US, NOW_US + 5_000_000)


@pytest.mark.parametrize("refusal", REFUSALS, ids=NAMES)
def test_request_with_one_fault_gets_its_reason_and_wire_form(refusal: Any) -> None:
    _, change, kind, wire = refusal
    request = Request()
    change(request)
    reason = request.admit()
    assert type(reason) is kind
    assert to_wire(reason) == wire


@pytest.mark.parametrize("earlier", range(len(REFUSALS)), ids=NAMES)
def test_earlier_fault_wins_over_each_later_one(earlier: int) -> None:
    expected = REFUSALS[earlier]
    for later in REFUSALS[earlier + 1 :]:
        if expected[0].split()[0] == later[0].split()[0] or {expected[0], later[0]} == {"stale", "ahead"}:
            continue  # two values of one thing cannot be wrong at once
        if _same_field(expected[0], later[0]):
            continue
        request = Request()
        later[1](request)
        expected[1](request)
        assert type(request.admit()) is expected[2], later[0]


def _same_field(first: str, second: str) -> bool:
    """Both faults sit in the credential of the fixture, where the second setting would undo the first."""
    held = {"key expired", "address refused", "permission missing", "symbol refused"}
    return first in held and second in held


def test_expiry_wins_over_address_wins_over_permission_wins_over_symbol() -> None:
    assert isinstance(ELSEWHERE, tuple)
    symbols = frozenset(("ETHUSDT",))
    for restrictions, permissions, kind in (
        (Restrictions(ELSEWHERE, symbols, NOW_US), DEFAULT_PERMISSIONS, KeyExpired),
        (Restrictions(ELSEWHERE, symbols), DEFAULT_PERMISSIONS, AddressRefused),
        (Restrictions((), symbols), DEFAULT_PERMISSIONS, PermissionMissing),
        (Restrictions((), symbols), TRADING, SymbolRefused),
    ):
        request = Request()
        request.credential = msgspec.structs.replace(
            CREDENTIAL, restrictions=restrictions, permissions=permissions
        )
        assert type(request.admit()) is kind


def test_refusals_carry_what_the_audit_trail_needs() -> None:
    for change, reason in (
        (put("api_key", "K" * 64), UnknownKey("K" * 64)),
        (lambda r: r.restrict(expires_us=NOW_US), KeyExpired(NOW_US)),
        (lambda r: r.restrict(networks=ELSEWHERE), AddressRefused(IP)),
        (permit("READING"), PermissionMissing("SPOT_AND_MARGIN_TRADING")),
        (lambda r: r.restrict(symbols=frozenset(("ETHUSDT",))), SymbolRefused("BTCUSDT")),
        (put("now_us", NOW_US + 5_000_001), Stale(5_000_001, 5_000_000)),
        (put("now_us", NOW_US - 1_000_000), Ahead(1_000_000)),
    ):
        request = Request()
        change(request)
        assert request.admit() == reason


@pytest.mark.parametrize(
    ("security", "permissions", "admitted"),
    [
        ("TRADE", ("SPOT_AND_MARGIN_TRADING",), True),
        ("TRADE", ("READING", "MARGIN", "FUTURES", "WITHDRAWALS"), False),
        ("TRADE", (), False),
        ("USER_DATA", ("READING",), True),
        ("USER_DATA", ("SPOT_AND_MARGIN_TRADING",), False),
        ("USER_STREAM", ("READING",), True),
        ("USER_STREAM", (), False),
    ],
)
def test_security_type_asks_for_its_permission(security: str, permissions: Any, admitted: bool) -> None:
    request = Request()
    request.security = security
    permit(*permissions)(request)
    assert isinstance(request.admit(), Admitted) is admitted


def test_symbol_list_binds_trading_and_refuses_what_names_no_symbol() -> None:
    request = Request()
    request.restrict(symbols=frozenset(("BTCUSDT",)))
    assert isinstance(request.admit(), Admitted)
    del request.params["symbol"]
    assert request.admit() == SymbolRefused("")
    request.security = "USER_DATA"
    assert isinstance(request.admit(), Admitted)


def test_public_endpoint_admits_anyone_and_looks_at_nothing() -> None:
    request = Request()
    request.security, request.api_key, request.signature, request.params = "NONE", "nonsense", None, {}
    assert request.admit() is PUBLIC
    assert request.in_session() is PUBLIC
    assert PUBLIC.check_again(NOW_US) is None


def test_any_of_several_payloads_suffices_and_none_refuses() -> None:
    request = Request()
    request.payloads = (b"another form", b"symbol=BTCUSDT")
    assert isinstance(request.admit(), Admitted)
    request.payloads = (b"another form",)
    assert request.admit() == BadSignature()
    request.payloads = ()
    assert request.admit() == BadSignature()


def test_every_bit_of_payload_and_signature_counts() -> None:
    payload = b"symbol=BTCUSDT"
    for bit in range(len(payload) * 8):
        request = Request()
        request.payloads = (flip_bit(payload, bit),)
        assert request.admit() == BadSignature()
    raw = bytes.fromhex(SIGNER.sign(payload))
    for bit in range(256):
        request = Request()
        request.signature = flip_bit(raw, bit).hex()
        assert request.admit() == BadSignature()


def test_every_bit_of_the_api_key_counts() -> None:
    for bit in range(64 * 8):
        request = Request()
        request.api_key = flip_bit(KEY.encode(), bit).decode("latin-1")
        assert isinstance(request.admit(), UnknownKey | MalformedKey)


def test_timing_again_refuses_once_the_deadline_has_passed() -> None:
    request = Request()
    request.params["recvWindow"] = "0.346"
    admitted = request.admit()
    assert admitted.check_again(NOW_US + 346) is None
    assert admitted.check_again(NOW_US + 347) == Stale(347, 346)


def test_session_needs_no_signature_but_everything_else() -> None:
    request = Request()
    request.signature = None
    assert isinstance(request.in_session(), Admitted)
    for name, change, kind, _ in REFUSALS:
        if "signature" in name:
            continue
        request = Request()
        change(request)
        assert type(request.in_session()) is kind, name


def test_permission_of_its_own_takes_the_place_of_the_security_types() -> None:
    request = Request()
    request.security, request.permission = "USER_DATA", "WITHDRAWALS"
    assert request.admit() == PermissionMissing("WITHDRAWALS")
    request.credential = msgspec.structs.replace(request.credential, permissions=frozenset({"WITHDRAWALS"}))
    assert isinstance(request.admit(), Admitted)
    request.permission = None
    assert request.admit() == PermissionMissing("READING")
