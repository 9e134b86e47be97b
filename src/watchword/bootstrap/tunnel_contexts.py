"""TLS contexts of the forward proxy: one for each host, its certificate made in memory when first needed.

Never writes a certificate and never serves a host that the authority was not made for.
"""

import ssl
from typing import Final

from watchword.adapters.certificates import DAY_US, Authority
from watchword.adapters.server_context import server_context
from watchword.gateway.certificate_names import Names
from watchword.kernel.clock import Clock

#: A certificate made here is good for so long, and replaced after half of it.
LEAF_DAYS: Final = 7


class TunnelContexts:
    """Contexts by host; at most as many as the authority has hosts."""

    def __init__(self, authority: Authority, clock: Clock) -> None:
        """Prepare; nothing is issued yet.

        Args:
            authority: The forward proxy's.
            clock: Decides when a certificate is replaced.
        """
        self._authority = authority
        self._clock = clock
        self._made: dict[str, tuple[int, ssl.SSLContext]] = {}

    def context(self, host: str) -> ssl.SSLContext:
        """Return the context to speak for a host with.

        Raises:
            ConfigurationError: The authority may not vouch for it, or has ended.
        """
        now_us = self._clock.now_us()
        due_us, context = self._made.get(host, (0, None))
        if context is None or now_us >= due_us:
            context = server_context(self._authority.issue(Names((host,)), now_us, LEAF_DAYS * DAY_US))
            self._made[host] = (now_us + LEAF_DAYS * DAY_US // 2, context)
        return context
