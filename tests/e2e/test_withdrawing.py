"""Address books by the command line, withdrawals and special keys over REST, and all of it after kill -9."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support import programs
from tests.support.floor import FloorTrader, RefusedError
from tests.support.testnet_process import TestnetKey, TestnetProcess

ADDRESS = "0xfeedface"
APPLY = "/sapi/v1/capital/withdraw/apply"
WITHDRAWN = "/sapi/v1/capital/withdraw/history"
SPECIAL = "/sapi/v1/margin/apiKey"
PERMISSIONS = ("READING", "SPOT_AND_MARGIN_TRADING", "WITHDRAWALS", "UNIVERSAL_TRANSFER")


def address(home: Path, *arguments: str) -> Any:
    """`watchword testnet address … --json`."""
    done = programs.command("testnet", "address", *arguments, "--home", home, "--json")
    reply = json.loads(done.stdout)
    assert done.returncode == (1 if "error" in reply else 0), done.stderr
    return reply


def test_book_is_kept_with_and_without_a_server_and_nothing_is_lost_in_a_kill(tmp_path: Path) -> None:
    home = tmp_path / "home"
    testnet = TestnetProcess.start(home, liquidity=False)
    try:
        testnet.create_account("alice", {"BTC": "2"})
        key = testnet.create_key("alice", "HMAC", permissions=PERMISSIONS, ips=["127.0.0.1"])
        assert (
            address(home, "allow", "alice", "BTC", ADDRESS, "--name", "cold")["addresses"][0]["name"]
            == "cold"
        )
        alice = FloorTrader(testnet, key)
        alice.request("POST", "/sapi/v1/asset/transfer", type="MAIN_FUNDING", asset="BTC", amount="0.5")
        made = alice.request("POST", APPLY, coin="BTC", address=ADDRESS, amount="1", withdrawOrderId="one")
        special = alice.request("POST", SPECIAL, apiName="fast")
        alice.close()
    finally:
        testnet.kill()
    (entry,) = address(home, "list", "alice")["addresses"]
    assert (entry["asset"], entry["address"]) == ("BTC", ADDRESS)
    assert "no account bob" in address(home, "list", "bob")["error"]
    testnet = TestnetProcess.start(home, liquidity=False)
    try:
        alice = FloorTrader(testnet, key)
        assert [row["id"] for row in alice.request("GET", WITHDRAWN)] == [made["id"]]
        (held,) = alice.request("POST", "/sapi/v3/asset/getUserAsset", asset="BTC")
        (funded,) = alice.request("POST", "/sapi/v1/asset/get-funding-asset")
        assert (held["free"], funded["free"]) == ("0.5", "0.5")
        with pytest.raises(RefusedError, match="withdrawOrderId"):
            alice.request("POST", APPLY, coin="BTC", address=ADDRESS, amount="0.1", withdrawOrderId="one")
        fast = FloorTrader(testnet, TestnetKey("HMAC", special["apiKey"], special["secretKey"]))
        assert fast.request("GET", "/api/v3/account")["canTrade"] is True
        with pytest.raises(RefusedError, match="-2015"):
            fast.request("POST", SPECIAL, apiName="more")
        assert address(home, "forget", "alice", "BTC", ADDRESS)["addresses"] == []
        with pytest.raises(RefusedError, match="-4035"):
            alice.request("POST", APPLY, coin="BTC", address=ADDRESS, amount="0.1")
        fast.close()
        alice.close()
    finally:
        assert testnet.stop() == 0
