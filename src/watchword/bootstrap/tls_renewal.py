"""Keeps a running server's certificate from ending: renews it when it is due, and takes one renewed by hand.

Why: nothing warns of a certificate that ends while bots trade; they are cut off from one moment to the next. Never
replaces the authority, so no client has to be told anything.
"""

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Final

from watchword.bootstrap.tls import TlsFolder
from watchword.kernel.errors import WatchwordError

LOG = logging.getLogger("watchword.tls")

LOOK_SECONDS: Final = 3_600.0


async def keep_renewed(folder: TlsFolder, context: ssl.SSLContext) -> None:
    """Look once an hour until cancelled. Connections that are open keep the certificate they began with.

    Args:
        folder: Of the home.
        context: What the server shakes hands with.
    """
    loaded = (0, 0)
    while True:
        try:
            path = await asyncio.to_thread(folder.server_file)
            if (stamp := _stamp(path)) != loaded:
                context.load_cert_chain(path)
                loaded = stamp
        except (WatchwordError, OSError):
            LOG.exception("the server certificate could not be renewed; looking again in an hour")
        await asyncio.sleep(LOOK_SECONDS)


def _stamp(path: Path) -> tuple[int, int]:
    """Tell one file from the next under the same name."""
    found = path.stat()
    return found.st_mtime_ns, found.st_ino
