"""`check` against canned answers: what the key may do, what was declared, and what an error means."""

import json

import pytest
from tests.support.vaults import HMAC_SECRET, record

from watchword.credentials.keypair import hmac_signer, hmac_verifier
from watchword.credentials.payload import rest_payload
from watchword.kernel.secret import Secret
from watchword.vault.checkup import CheckReport, ProbeAnswer, Unreachable, check

NOW_US = 1_800_000_000_000_000
ALL_OFF = {
    "ipRestrict": True,
    "createTime": 1,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": False,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": False,
    "enableSpotAndMarginTrading": False,
    "enablePortfolioMarginTrading": False,
}


class StandingClock:
    def now_us(self) -> int:
        return NOW_US


class Exchange:
    """Answers `time` and `apiRestrictions`."""

    def __init__(self, status: int = 200, offset_ms: int = 0, **changed: object) -> None:
        self.status = status
        self.offset_ms = offset_ms
        self.body = json.dumps({**ALL_OFF, **changed} if status == 200 else changed).encode()
        self.asked: list[tuple[str, dict[str, str]]] = []

    def get(self, target: str, headers: dict[str, str]) -> ProbeAnswer | Unreachable:
        self.asked.append((target, headers))
        if target == "/api/v3/time":
            return ProbeAnswer(200, json.dumps({"serverTime": NOW_US // 1000 + self.offset_ms}).encode())
        return ProbeAnswer(self.status, self.body)


def checked(exchange: object, *permissions: str) -> CheckReport:
    credential = record("main", permissions=tuple(sorted({"READING", *permissions})))
    return check(credential, hmac_signer(Secret(HMAC_SECRET)), exchange, StandingClock())  # type: ignore[arg-type]


def test_reading_key_with_an_ip_list_is_all_well() -> None:
    report = checked(Exchange())
    assert report.accepted
    assert report.findings == ()
    assert report.permissions == ("READING",)
    assert (report.ip_restricted, report.withdrawals, report.days_until_deletion) == (True, False, None)


def test_request_is_signed_with_the_exchanges_time_and_nothing_else_is_asked() -> None:
    exchange = Exchange(offset_ms=-400)
    checked(exchange)
    (time_target, time_headers), (target, headers) = exchange.asked
    assert (time_target, time_headers) == ("/api/v3/time", {})
    path, _, query = target.partition("?")
    payload, signature = rest_payload(query.encode(), b"")
    assert path == "/sapi/v1/account/apiRestrictions"
    assert payload == f"recvWindow=5000&timestamp={NOW_US // 1000 - 400}".encode()
    assert hmac_verifier(Secret(HMAC_SECRET)).verify(payload, signature or "")
    assert headers == {"X-MBX-APIKEY": record("main").api_key}


def test_withdrawals_come_first() -> None:
    report = checked(Exchange(enableWithdrawals=True, ipRestrict=False))
    assert report.withdrawals
    assert "withdrawals are ON" in report.findings[0]
    assert report.undeclared == ("WITHDRAWALS",)


def test_declared_and_granted_are_compared_both_ways() -> None:
    report = checked(Exchange(enableMargin=True), "SPOT_AND_MARGIN_TRADING")
    assert report.undeclared == ("MARGIN",)
    assert report.missing == ("SPOT_AND_MARGIN_TRADING",)
    assert any("more than declared: MARGIN" in finding for finding in report.findings)


@pytest.mark.parametrize(
    ("restricted", "trading", "days"), [(False, True, 30), (False, False, None), (True, True, None)]
)
def test_idle_deletion_threatens_trading_keys_without_an_ip_list(
    restricted: bool, trading: bool, days: int | None
) -> None:
    report = checked(
        Exchange(ipRestrict=restricted, enableSpotAndMarginTrading=trading), "SPOT_AND_MARGIN_TRADING"
    )
    assert report.days_until_deletion == days
    assert any("30 days" in finding for finding in report.findings) == (days is not None)


def test_expiry_is_counted_in_days_where_the_exchange_tells() -> None:
    in_ten_days = NOW_US // 1000 + 10 * 86_400_000
    report = checked(Exchange(tradingAuthorityExpirationTime=in_ten_days))
    assert report.days_until_expiry == 10
    assert any("10 days" in finding for finding in report.findings)


def test_clock_off_by_a_second_is_named_and_the_check_still_works() -> None:
    report = checked(Exchange(offset_ms=3_000))
    assert report.accepted
    assert report.clock_offset_ms == 3_000
    assert any("3000 ms off" in finding for finding in report.findings)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (-2015, "IP list"),
        (-1022, "does not belong"),
        (-2014, "quotes"),
        (-2008, "another one"),
        (-1021, "clock"),
        (-9999, "answered 401"),
    ],
)
def test_refusals_are_explained(code: int, text: str) -> None:
    report = checked(Exchange(401, code=code, msg="Binance's words"))
    assert report.accepted is False
    assert report.code == code
    assert text in report.findings[0]
    assert "Binance's words" in report.findings[0]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"code": "x"}'])
def test_answer_that_is_no_answer_counts_as_a_refusal(body: bytes) -> None:
    exchange = Exchange(502)
    exchange.body = body
    report = checked(exchange)
    assert report.accepted is False
    assert "502" in report.findings[0]


class Silent(Exchange):
    """Answers so many requests, then none."""

    def __init__(self, answers: int) -> None:
        super().__init__()
        self.answers = answers

    def get(self, target: str, headers: dict[str, str]) -> ProbeAnswer | Unreachable:
        self.answers -= 1
        return super().get(target, headers) if self.answers >= 0 else Unreachable("it cannot be reached")


@pytest.mark.parametrize("answers", [0, 1])
def test_unreachable_exchange_says_nothing_about_the_key(answers: int) -> None:
    report = checked(Silent(answers))
    assert report.accepted is None
    assert "cannot be reached" in report.findings[0]


def test_exchange_without_a_clock_is_unreachable() -> None:
    class Odd(Exchange):
        def get(self, target: str, headers: dict[str, str]) -> ProbeAnswer | Unreachable:
            return ProbeAnswer(404, b"{}")

    assert "404" in checked(Odd()).findings[0]
