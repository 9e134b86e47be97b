"""A process that does nothing but hold the vault and answer its admin socket. The gateway will take its place."""

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from watchword.entrypoints.vault.listener import listening
from watchword.kernel.errors import WatchwordError
from watchword.vault.outcome import Refused

if TYPE_CHECKING:
    from watchword.bootstrap.vault_host import VaultHost


async def serve(host: "VaultHost", on_ready: Callable[[str], None], *, unseal: bool = False) -> None:
    """Hold the vault until SIGINT or SIGTERM, then seal it.

    Args:
        host: Opened; closed here.
        on_ready: Told once that the socket answers, with a line on the vault's state.
        unseal: Try the vault's own KEK source at start; a passphrase cannot be had this way.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        async with listening(host):
            on_ready(await asyncio.to_thread(_unsealed, host) if unseal else "sealed")
            await stop.wait()
    finally:
        host.close()


def _unsealed(host: "VaultHost") -> str:
    """Try to unseal; a failure leaves a sealed vault that can be unsealed by hand."""
    try:
        opened = host.unseal()
    except WatchwordError as error:
        return f"sealed: {error}"
    return f"sealed: {opened}" if isinstance(opened, Refused) else f"unsealed, {opened.secrets} secrets"
