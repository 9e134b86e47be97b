"""What a real credential may do, asked of its exchange: signed once, compared with what its owner declared.

Two reads, `time` and `apiRestrictions`; never a change. Never shows the signature or the signed request.

Source: GET /api/v3/time; GET /sapi/v1/account/apiRestrictions; Binance's notices on keys without an IP list.
"""

import json
from typing import Any, Final, Protocol

import msgspec
from msgspec.structs import replace

from watchword.credentials.payload import sign_rest
from watchword.credentials.permission import RESTRICTION_FIELDS, Permission
from watchword.credentials.signer import Signer
from watchword.kernel.clock import Clock
from watchword.vault.record import RealCredential

TIME_TARGET: Final = "/api/v3/time"
RESTRICTIONS_PATH: Final = "/sapi/v1/account/apiRestrictions"
RECV_WINDOW_MS: Final = 5_000
OFFSET_MS_MAX: Final = 1_000
#: A key without an IP list is deleted after so many days without use. Source: the API-management page's notice.
IDLE_DAYS: Final = 30
DAY_US: Final = 86_400_000_000
_MS_US: Final = 1_000
_OK: Final = 200

_MEANING: Final[dict[int, str]] = {
    -1021: "this machine's clock is off",
    -1022: "the signature was refused: the secret does not belong to this API key, or the key is of another type",
    -2008: "this upstream does not know the API key: perhaps it belongs to another one (live, testnet, demo)",
    -2014: "the API key has a wrong form: look for quotes, blanks or a missing part",
    -2015: "unknown or deleted key, or this machine's address is not in the key's IP list, or the key may not read",
}


class ProbeAnswer(msgspec.Struct, frozen=True):
    """What an exchange answered."""

    status: int
    body: bytes


class Unreachable(msgspec.Struct, frozen=True):
    """No answer came.

    Attributes:
        reason: For a person.
    """

    reason: str


class UpstreamProbe(Protocol):
    """Reads from one upstream, whose address it was built with.

    When unavailable: `Unreachable`; nothing is known about the credential then.
    """

    def get(self, target: str, headers: dict[str, str]) -> ProbeAnswer | Unreachable:
        """Send one GET.

        Args:
            target: Path and query.
            headers: To send.
        """
        ...


class CheckReport(msgspec.Struct, frozen=True, kw_only=True):
    """What was found.

    Attributes:
        id, label, upstream: Whose.
        accepted: Whether the exchange took the signature. None: it could not be asked.
        code: The exchange's error code; 0 for none.
        clock_offset_ms: Upstream's clock minus ours. None: not measured.
        permissions: What the key may do.
        undeclared: What it may do beyond what was declared.
        missing: What was declared and it may not do.
        ip_restricted: Whether it only works from listed addresses.
        withdrawals: Whether it may withdraw.
        days_until_deletion: Without another use; None where the key is not deleted for that.
        days_until_expiry: Of its trading right, where the exchange says so.
        findings: What its owner should know, worst first.
    """

    id: str
    label: str
    upstream: str
    accepted: bool | None
    code: int = 0
    clock_offset_ms: int | None = None
    permissions: tuple[Permission, ...] = ()
    undeclared: tuple[Permission, ...] = ()
    missing: tuple[Permission, ...] = ()
    ip_restricted: bool | None = None
    withdrawals: bool | None = None
    days_until_deletion: int | None = None
    days_until_expiry: int | None = None
    findings: tuple[str, ...] = ()


class Checked(msgspec.Struct, frozen=True):
    """What a check found, and when.

    Attributes:
        at_us: When it was done, epoch microseconds.
        report: What it found.
    """

    at_us: int
    report: CheckReport


def check(record: RealCredential, signer: Signer, probe: UpstreamProbe, clock: Clock) -> CheckReport:
    """Ask a credential's exchange about it.

    Args:
        record: Authenticated, with an API key.
        signer: Of the same credential.
        probe: Of the record's upstream and no other.
        clock: Ours.
    """
    blank = CheckReport(id=record.id, label=record.label, upstream=record.upstream, accepted=None)
    # 1  the clock, so that a drift is named as such
    offset = _offset_ms(probe, clock)
    if isinstance(offset, Unreachable):
        return _unknown(blank, offset)
    blank = replace(blank, clock_offset_ms=offset)
    # 2  one signed read, stamped with the upstream's time: whether the secret works must not hang on our clock
    stamp = clock.now_us() // _MS_US + offset
    query = f"recvWindow={RECV_WINDOW_MS}&timestamp={stamp}"
    target = f"{RESTRICTIONS_PATH}?{query}&{sign_rest(signer, query)}"
    answer = probe.get(target, {"X-MBX-APIKEY": record.api_key})
    if isinstance(answer, Unreachable):
        return _unknown(blank, answer)
    content = _object(answer.body)
    if answer.status != _OK:
        return _refused(blank, answer.status, content)
    # 3  compare
    return _judge(record, blank, content, clock.now_us())


def _judge(record: RealCredential, blank: CheckReport, content: dict[str, Any], now_us: int) -> CheckReport:
    """Compare the exchange's words with the owner's."""
    granted: set[Permission] = {
        name for name, field in RESTRICTION_FIELDS.items() if content.get(field) is True
    }
    declared = set(record.permissions)
    restricted = content.get("ipRestrict") is True
    idle = None if restricted or granted <= {"READING"} else IDLE_DAYS
    expires_ms = content.get("tradingAuthorityExpirationTime")
    expiry = (expires_ms * _MS_US - now_us) // DAY_US if isinstance(expires_ms, int) and expires_ms else None
    report = replace(
        blank,
        accepted=True,
        permissions=tuple(sorted(granted)),
        undeclared=tuple(sorted(granted - declared)),
        missing=tuple(sorted(declared - granted)),
        ip_restricted=restricted,
        withdrawals="WITHDRAWALS" in granted,
        days_until_deletion=idle,
        days_until_expiry=expiry,
    )
    return replace(report, findings=tuple(_findings(report)))


def _findings(report: CheckReport) -> list[str]:
    found = []
    if report.withdrawals:
        found.append("withdrawals are ON: whoever gets this key can empty the account; switch them off")
    if not report.ip_restricted:
        found.append("no IP list: the key works from anywhere")
    if report.days_until_deletion is not None:
        found.append(
            f"without an IP list the exchange deletes it after {report.days_until_deletion} days without use"
        )
    if report.days_until_expiry is not None:
        found.append(f"its trading right ends in {report.days_until_expiry} days")
    if report.undeclared:
        found.append(f"it may do more than declared: {', '.join(report.undeclared)}")
    if report.missing:
        found.append(f"it may not do what was declared: {', '.join(report.missing)}")
    if report.clock_offset_ms is not None and abs(report.clock_offset_ms) > OFFSET_MS_MAX:
        found.append(
            f"this machine's clock is {abs(report.clock_offset_ms)} ms off; requests will fail with -1021"
        )
    return found


def _unknown(blank: CheckReport, why: Unreachable) -> CheckReport:
    return replace(blank, findings=(f"{blank.upstream}: {why.reason}",))


def _refused(blank: CheckReport, status: int, content: dict[str, Any]) -> CheckReport:
    code = content.get("code")
    number = code if isinstance(code, int) else 0
    said = str(content.get("msg", ""))[:200]
    meaning = _MEANING.get(number, f"the exchange answered {status}")
    return replace(blank, accepted=False, code=number, findings=(f"{number} {said} Meaning: {meaning}",))


def _offset_ms(probe: UpstreamProbe, clock: Clock) -> int | Unreachable:
    """Measure the upstream's clock against ours, in the middle of the round trip."""
    before = clock.now_us()
    answer = probe.get(TIME_TARGET, {})
    after = clock.now_us()
    if isinstance(answer, Unreachable):
        return answer
    server = _object(answer.body).get("serverTime")
    if answer.status != _OK or not isinstance(server, int):
        return Unreachable(f"it answered {answer.status} to {TIME_TARGET}")
    return server - (before + after) // 2 // _MS_US


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
