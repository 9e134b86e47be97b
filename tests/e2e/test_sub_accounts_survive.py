"""Families, their keys and their money after kill -9 and after a clean stop: as they were answered, and not doubled."""

from pathlib import Path

import pytest
from tests.support.floor import FloorTrader, RefusedError
from tests.support.testnet_process import TestnetProcess

MASTER = ("READING", "SPOT_AND_MARGIN_TRADING", "INTERNAL_TRANSFER")
SUB = "/sapi/v1/sub-account"


def test_what_was_answered_is_there_after_a_kill_and_after_a_stop(tmp_path: Path) -> None:
    testnet = TestnetProcess.start(tmp_path / "home", liquidity=False)
    try:
        testnet.create_account("alice", {"USDT": "1000"})
        key = testnet.create_key("alice", "HMAC", permissions=MASTER)
        alice = FloorTrader(testnet, key)
        email = alice.request("POST", f"{SUB}/virtualSubAccount", subAccountString="bot")["email"]
        made = alice.request(
            "POST", f"{SUB}/subAccountApi", email=email, apiName="bot", status=2, ipAddress="127.0.0.1"
        )
        terms = {"fromAccountType": "SPOT", "toAccountType": "SPOT", "asset": "USDT", "toEmail": email}
        first = alice.request("POST", f"{SUB}/universalTransfer", **terms, amount=400, clientTranId="one")
        for end in ("kill", "stop", "kill"):
            alice.close()
            testnet.kill() if end == "kill" else testnet.stop()
            testnet = TestnetProcess.start(tmp_path / "home", liquidity=False)
            alice = FloorTrader(testnet, key)
            listed = alice.request("GET", f"{SUB}/list", limit=200)["subAccounts"]
            assert [sub["email"] for sub in listed] == [email]
            held = alice.request("GET", "/sapi/v4/sub-account/assets", email=email)["balances"]
            assert [(row["asset"], row["free"]) for row in held] == [("USDT", "400.00000000")]
            history = alice.request("GET", f"{SUB}/universalTransfer")["result"]
            assert [(row["tranId"], row["clientTranId"]) for row in history] == [(first["tranId"], "one")]
            rows = alice.request("GET", f"{SUB}/subAccountApi", email=email)["rows"]
            assert [row["apikey"] for row in rows] == [made["apiKey"]]
            with pytest.raises(RefusedError, match="clientTranId"):
                alice.request("POST", f"{SUB}/universalTransfer", **terms, amount=400, clientTranId="one")
            testnet.admin("snapshot")
        alice.close()
    finally:
        testnet.kill()
