"""Whatever is sent to the sub-account routes, they answer; money stays in its family, and keys with their account."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.operations import OperationsFloor, Trader

from watchword.binance.errors import WireError
from watchword.entrypoints.testnet.operations.sub_accounts import SUB_ACCOUNT_OPERATIONS
from watchword.exchange.wallets import WALLETS, filing_id

FLOOR = OperationsFloor()
ALICE, BOB = FLOOR.trader("alice"), FLOOR.trader("bob")
VIRTUAL = "POST /sapi/v1/sub-account/virtualSubAccount"
NEW_KEY = "POST /sapi/v1/sub-account/subAccountApi"
ANNS, BENS = (who.do(VIRTUAL, subAccountString="bot")["email"] for who in (ALICE, BOB))
#: Ids as they were opened: Alice, Bob, and the sub-account of each.
FAMILIES = {1: 1, 2: 2, 3: 1, 4: 2}
TRADERS = [ALICE, BOB, Trader(FLOOR, 3), Trader(FLOOR, 4)]

#: Stands for the API key of the sub-account's first key.
KEY = "the key"

#: Every parameter with a value that some operation takes.
FITTING = {
    "email": ANNS, "subAccountString": "more", "apiName": "name", "status": "1", "subAccountApiKey": KEY,
    "canTrade": "true", "canFuturesTrade": "false", "ipAddress": "192.0.2.7,192.0.2.8", "page": "1", "limit": "5",
    "size": "5", "fromAccountType": "SPOT", "toAccountType": "SPOT", "asset": "USDT", "amount": "0.5", "coin": "BTC",
    "type": "1",
}  # fmt: skip
NAMES = (
    *FITTING, "fromEmail", "toEmail", "clientTranId", "isFreeze", "thirdPartyName", "publicKey", "startTime", "endTime",
    "network", "offset", "txId", "includeSource",
)  # fmt: skip
sensible = st.sampled_from(
    (ANNS, BENS, ANNS.upper(), "alice", "bob", KEY, "0", "1", "2", "3", "true", "false", "SPOT", "MARGIN", "USDT_FUTURE",
     "COIN_FUTURE", "USDT", "BTC", "0.00000001", "99999999", "192.0.2.7", "192.0.2.0/24", "0.0.0.0/0", "TESTNET",
     "1767225630000", "500", "501")
)  # fmt: skip
wild = st.one_of(
    st.text(max_size=30),
    st.integers(-(10**45), 10**45).map(str),
    st.sampled_from(
        ("", "9223372036854775808", "92233720368.54775807", "\x00", "\u0661", "," * 99, "x" * 600)
    ),
)


def standing_key() -> str:
    """The sub-account's first key, with two addresses; made where an operation took it away."""
    records = FLOOR.testnet.directory.records(3)
    if records:
        return records[0].api_key
    made = ALICE.do(NEW_KEY, email=ANNS, apiName="k", status=2, ipAddress="192.0.2.7,192.0.2.9")
    return str(made["apiKey"])


def held(family: int) -> dict[str, int]:
    """What a family has, over all its members and wallets."""
    sums: dict[str, int] = {}
    for member in (account for account, master in FAMILIES.items() if master == family):
        for wallet in WALLETS:
            for asset, (free, locked) in FLOOR.testnet.venue.engine.ledger.balances(
                filing_id(member, wallet)
            ).items():
                assert free >= 0 <= locked
                sums[asset] = sums.get(asset, 0) + free + locked
    return {asset: amount for asset, amount in sums.items() if amount}


@settings(max_examples=examples(500), deadline=None)
@given(
    name=st.sampled_from(sorted(SUB_ACCOUNT_OPERATIONS)),
    who=st.sampled_from((0, 0, 0, 1, 2, 3)),
    left_out=st.sets(st.sampled_from(sorted(FITTING)), max_size=4),
    changes=st.dictionaries(st.sampled_from(NAMES), st.one_of(sensible, sensible, wild), max_size=5),
)
def test_any_parameters_get_an_answer(
    name: str, who: int, left_out: set[str], changes: dict[str, str]
) -> None:
    standing = standing_key()
    params = {key: value for key, value in FITTING.items() if key not in left_out} | changes
    params = {key: standing if value == KEY else value for key, value in params.items()}
    before = held(1), held(2)
    directory, trader = FLOOR.testnet.directory, TRADERS[who]
    keys = {record.api_key: record.terms for record in directory.records()}
    answer: Any = FLOOR.call(name, trader.credential, params)
    if isinstance(answer, WireError):
        assert 400 <= answer.http_status < 500
        assert answer.text
    else:
        json.loads(answer)
    ledger = FLOOR.testnet.venue.engine.ledger
    assert ledger.imbalance() == {}
    assert (held(1), held(2)) == before
    after = {record.api_key: record for record in directory.records()}
    for api_key in keys.keys() | after.keys():
        changed = api_key not in after or keys.get(api_key) != after[api_key].terms
        if changed:
            # Only a master, and only where a family's own sub-account is.
            assert trader.account_id in {1, 2}
            if api_key in after:
                assert FAMILIES[after[api_key].account_id] == trader.account_id != after[api_key].account_id
            else:
                assert trader is ALICE


def test_examples_reach_what_they_are_about() -> None:
    sub = TRADERS[2]
    sibling = ALICE.do(VIRTUAL, subAccountString="sibling")["email"]
    ALICE.do(
        "POST /sapi/v1/sub-account/universalTransfer",
        fromAccountType="SPOT", toAccountType="SPOT", asset="USDT", amount="5", toEmail=ANNS,
    )  # fmt: skip
    silent = []
    for name in SUB_ACCOUNT_OPERATIONS:
        FLOOR.testnet.directory.delete_all(3)
        params = {**FITTING, "subAccountApiKey": standing_key(), "toEmail": sibling, "ipAddress": "192.0.2.7"}
        answers = [FLOOR.call(name, trader.credential, params) for trader in (ALICE, sub)]
        if not any(isinstance(answer, bytes) for answer in answers):
            silent.append(name)
    assert silent == []
