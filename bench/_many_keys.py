"""Homes with many keys: a testnet's and a gateway's, filled through the real stores; and directories in memory."""

import asyncio
from pathlib import Path
from typing import Final

from tests.support.virtual_keys import POLICY, PUBLIC_KEY, new_key

from watchword.adapters.gateway_home import virtual_keys_path
from watchword.adapters.memory.keys import MemoryKeyStore
from watchword.adapters.system import SystemEntropy
from watchword.adapters.virtual_keys.key_store import SqlVirtualKeys
from watchword.bootstrap.testnet import open_testnet
from watchword.config import read_settings
from watchword.credentials.key_directory import IssuedKey, KeyDirectory, KeyRecord, KeyTerms
from watchword.credentials.keypair import generate
from watchword.credentials.model import new_api_key, new_hmac_secret
from watchword.credentials.restriction import Restrictions
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.entrypoints.testnet.admin.operations import perform
from watchword.gateway.issuing import Half
from watchword.gateway.key_format import new_virtual_api_key
from watchword.gateway.virtual_key import KeyVersion, VirtualKey
from watchword.kernel.secret import Secret

KEYS_PER_ACCOUNT: Final = 30
NOW_US: Final = 1_790_000_000_000_000
DAY_US: Final = 86_400_000_000
#: Labels are a team's: some words and a number.
WORDS: Final = ("grid", "arb", "rebalance", "tax", "market-maker", "hedge", "dca", "report")


def label(number: int) -> str:
    """Return the label of the n-th key."""
    return f"{WORDS[number % len(WORDS)]}-{number:05d}"


def fill_testnet(home: Path, count: int, *, liquidity: bool = False) -> None:
    """Issue keys in a new testnet's home, 30 an account.

    Args:
        home: New, or made with the same liquidity.
        count: How many.
        liquidity: Whether its market makers trade once it is served.
    """
    asyncio.run(_fill_testnet(home, count, liquidity=liquidity))


async def _fill_testnet(home: Path, count: int, *, liquidity: bool) -> None:
    testnet = open_testnet(read_settings(home=home, liquidity=liquidity))
    testnet.services.clear()
    await testnet.start()
    try:
        for first in range(0, count, KEYS_PER_ACCOUNT):
            account = await perform(testnet, ask.CreateAccount(f"desk-{first // KEYS_PER_ACCOUNT:04d}", {}))
            assert isinstance(account, dict), account
            now_us = testnet.clock.now_us()
            for number in range(first, min(first + KEYS_PER_ACCOUNT, count)):
                terms = KeyTerms(
                    label(number), restrictions=Restrictions(expires_us=now_us + number * DAY_US + DAY_US)
                )
                issued = testnet.directory.issue(account["account_id"], "HMAC", b"", terms, now_us)
                assert isinstance(issued, IssuedKey), issued
    finally:
        await testnet.stop()


def fill_gateway(home: Path, count: int, credential: str = "cred-main") -> None:
    """Put virtual keys into a gateway's home.

    Args:
        home: Of a gateway that does not run.
        count: How many.
        credential: Id of the real credential they stand for.
    """
    path = virtual_keys_path(home)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = SqlVirtualKeys(path)
    try:
        store.put(virtual_keys(count, credential))
    finally:
        store.close()


def virtual_keys(count: int, credential: str = "cred-main") -> list[VirtualKey]:
    """Make virtual keys, every tenth narrowed from the one before it."""
    entropy = SystemEntropy()
    pattern = new_key("pattern", half=Half("ED25519", PUBLIC_KEY))
    made: list[VirtualKey] = []
    for number in range(count):
        version = KeyVersion(
            api_key=new_virtual_api_key(entropy),
            key_type="ED25519",
            public_key=generate("ed25519", entropy).public.pem(),
            created_us=NOW_US,
        )
        made.append(
            VirtualKey(
                id=f"vk-{number:012d}",
                label=label(number),
                credential_id=credential,
                versions=(version,),
                policy_name=pattern.policy_name,
                policy_text=POLICY,
                policy_digest=pattern.policy_digest,
                restrictions=Restrictions(expires_us=NOW_US + (number + 1) * DAY_US),
                parent_id=made[-1].id if number % 10 == 9 else "",
                created_us=NOW_US + number,
            )
        )
    return made


def directory_of(count: int) -> tuple[KeyDirectory, list[tuple[str, bytes]]]:
    """Make a key directory in memory.

    Returns:
        It, and each key's name and secret.
    """
    entropy, store = SystemEntropy(), MemoryKeyStore()
    made: list[tuple[str, bytes]] = []
    for number in range(count):
        api_key, secret = new_api_key(entropy), new_hmac_secret(entropy).encode("ascii")
        store.insert(
            KeyRecord(api_key, 1 + number // 30, "HMAC", b"", KeyTerms(label(number)), NOW_US), Secret(secret)
        )
        made.append((api_key, secret))
    return KeyDirectory(store, entropy), made
