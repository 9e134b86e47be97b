"""/sapi through the REST door: routes by method, permissions route by route, budgets by address and by account."""

from collections.abc import AsyncIterator

import pytest
from tests.support.doors import Doors, Key, open_doors

from watchword.binance.sapi_endpoints import SAPI_ENDPOINTS
from watchword.credentials.permission import NEEDED, PERMISSIONS
from watchword.entrypoints.testnet.operations import OPERATIONS

REFUSED = (401, -2015)
#: Seconds into a minute from which a test waits for the next one, so that its window does not end inside it.
LATE_SECOND = 50


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    async with open_doors() as opened:
        yield opened


@pytest.fixture
async def limited() -> AsyncIterator[Doors]:
    """Binance's own limits, early in a minute of the exchange's."""
    async with open_doors(limits_scale=1.0) as opened:
        seconds = opened.clock.now_us() // 1_000_000 % 60
        opened.clock.move(60 - seconds if seconds > LATE_SECOND else 0)
        yield opened


async def test_every_route_of_the_table_has_an_operation_and_asks_for_one_permission(doors: Doors) -> None:
    account = await doors.account("asks-all")
    for endpoint in SAPI_ENDPOINTS:
        assert endpoint.name in OPERATIONS, endpoint.name
        needed = endpoint.permission or NEEDED[endpoint.security]
        everything_else = doors.key(account, permissions=frozenset(PERMISSIONS) - {needed, "WITHDRAWALS"})
        status, _, body = await doors.signed(everything_else, endpoint.http_method, endpoint.path)
        assert (status, body["code"]) == REFUSED, endpoint.name
        doors.testnet.directory.delete(everything_else.api_key)
        only = frozenset({needed}) if needed != "WITHDRAWALS" else None
        if only is not None:
            key = doors.key(account, permissions=only)
            status, _, body = await doors.signed(key, endpoint.http_method, endpoint.path)
            assert status == 200 or body["code"] != -2015, endpoint.name
            doors.testnet.directory.delete(key.api_key)


async def test_method_or_path_that_is_not_served(doors: Doors) -> None:
    key = doors.key(await doors.account("elsewhere"))

    async def status(method: str, path: str) -> int:
        url = f"{doors.addresses['rest']}{path}?{doors.signed_query(key)}"
        async with doors.client.request(method, url, headers={"X-MBX-APIKEY": key.api_key}) as reply:
            return reply.status

    assert await status("PUT", "/sapi/v1/sub-account/subAccountApi") == 405
    assert await status("POST", "/sapi/v1/sub-account/list") == 405
    assert await status("POST", "/sapi/v1/asset/dust") == 404
    assert await status("GET", "/sapi/v2/sub-account/subAccountApi") == 404


async def calls(
    doors: Doors, key: Key, path: str, count: int, method: str = "GET"
) -> tuple[list[int], list[str | None]]:
    """Call a route so many times: statuses, and what was used of the account's budget after each."""
    answers = [await doors.signed(key, method, path) for _ in range(count)]
    return [status for status, _, _ in answers], [
        headers.get("X-SAPI-USED-UID-WEIGHT-1M") for _, headers, _ in answers
    ]


async def test_account_budget_ends_after_sixty_calls_for_all_keys_and_begins_anew(limited: Doors) -> None:
    account, path = await limited.account("ann"), "/sapi/v1/sub-account/subAccountApi"
    first, second = limited.key(account), limited.key(account)
    statuses, used = await calls(limited, first, path, 30)
    # A missing email is refused and counted all the same.
    assert (set(statuses), used[0], used[-1]) == ({400}, "3000", "90000")
    statuses, used = await calls(limited, second, path, 31)
    assert (statuses[-2:], used[-2:]) == ([400, 429], ["180000", "183000"])
    status, headers, body = await limited.signed(first, "GET", path)
    assert (status, body["code"], int(headers["Retry-After"]) <= 60) == (429, -1003, True)
    # Another method is another route, and another account has a budget of its own.
    assert (await limited.signed(first, "DELETE", path))[0] == 400
    stranger = limited.key(await limited.account("ben"))
    assert (await limited.signed(stranger, "GET", path))[0] == 400
    limited.clock.move(60)
    assert (await limited.signed(first, "GET", path))[0] == 400


async def test_address_weight_is_shown_and_a_forged_request_costs_the_account_nothing(limited: Doors) -> None:
    key = limited.key(await limited.account("ann"))
    path = "/sapi/v1/sub-account/subAccountApi"
    _, headers, _ = await limited.signed(key, "GET", "/sapi/v1/sub-account/status")
    assert headers["X-SAPI-USED-IP-WEIGHT-1M"] == "10"
    assert "X-SAPI-USED-UID-WEIGHT-1M" not in headers
    _, headers, _ = await limited.signed(key, "GET", "/sapi/v4/sub-account/assets")
    assert headers["X-SAPI-USED-UID-WEIGHT-1M"] == "60"
    assert "X-SAPI-USED-IP-WEIGHT-1M" not in headers
    forged = Key(key.api_key, b"x" * 64)
    assert await calls(limited, forged, path, 3) == ([400] * 3, [None] * 3)
    assert (await calls(limited, key, path, 1))[1] == ["3000"]
