"""The gateway's server: puts doors and admin sockets on a gateway, keeps them, and takes them down in order.

Decides nothing about requests; `entrypoints.sockets` owns the sockets and the bytes.
"""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from watchword.binance.upstream_names import entry_points
from watchword.bootstrap.proxy_token import ProxyToken
from watchword.bootstrap.tls import TlsFolder
from watchword.bootstrap.tls_renewal import keep_renewed
from watchword.bootstrap.tunnel_contexts import TunnelContexts
from watchword.entrypoints.gateway import rest
from watchword.entrypoints.gateway.admin.listener import listening as keys_listening
from watchword.entrypoints.gateway.door import Door
from watchword.entrypoints.gateway.forward_proxy import ForwardProxy, ProxyRules
from watchword.entrypoints.gateway.host_names import HostNames
from watchword.entrypoints.gateway.status import view
from watchword.entrypoints.gateway.upgrade import upgrade
from watchword.entrypoints.sockets.connection import MESSAGES_PER_SECOND_MAX
from watchword.entrypoints.sockets.http import Handlers, HttpProtocol
from watchword.entrypoints.sockets.listener import (
    addresses_of,
    bind,
    ending_signals,
    listen,
)
from watchword.entrypoints.vault.listener import listening as vault_listening
from watchword.entrypoints.vault.operations import perform
from watchword.entrypoints.vault.recording import change_of, recorded
from watchword.entrypoints.vault.requests import Unseal, UnsealedAnswer
from watchword.kernel.errors import WatchwordError

if TYPE_CHECKING:
    from watchword.bootstrap.gateway import Gateway

LOG = logging.getLogger("watchword.gateway")

OnReady = Callable[[dict[str, str]], None]


async def serve(
    gateway: "Gateway", *, until: asyncio.Event | None = None, on_ready: OnReady | None = None
) -> None:
    """Serve a gateway until a signal, or until told to stop; then stop it.

    Args:
        gateway: Opened and not started. It is stopped when this returns, however it returns.
        until: Set it to end the server. SIGINT and SIGTERM do the same in the main thread.
        on_ready: Called with the addresses (`rest`, `streams`, `ws_api`, perhaps `proxy`) and `vault`, the state of
            the vault in words, once connections are accepted.

    Raises:
        ConfigurationError: An address cannot be bound or the TLS files cannot be used.
        AuditUnavailable, StorageError: A store cannot be used.
    """
    until, settings = until or asyncio.Event(), gateway.settings
    try:
        certificate, key = _tls_files(gateway)
        async with contextlib.AsyncExitStack() as stack:
            sock = stack.enter_context(contextlib.closing(bind(settings.host, settings.port)))
            stack.enter_context(ending_signals(until))
            await gateway.start()
            door = Door(gateway, 0 if settings.upstream == "local" else MESSAGES_PER_SECOND_MAX)
            gateway.key_desk.status = partial(view, gateway, door)
            proxy = await stack.enter_async_context(_proxying(gateway, door))
            await stack.enter_async_context(vault_listening(gateway.host, gateway.trail))
            await stack.enter_async_context(keys_listening(gateway.key_desk))
            await stack.enter_async_context(_nobody_waits_after(until, gateway))
            state = await _unsealed(gateway) if settings.unseal else "sealed"
            allowed = [name.strip() for name in settings.allow_host.split(",")]
            await listen(
                door,
                handlers_of(door, HostNames(settings.host, allowed)),
                sock,
                until,
                partial(_announce, gateway, on_ready, {"vault": state, **proxy}, tls=certificate is not None),
                tls_cert=certificate,
                tls_key=key,
                on_tls=partial(_keep_renewed, gateway, stack) if settings.tls else None,
            )
    finally:
        await gateway.stop()


def handlers_of(door: Door, names: HostNames) -> Handlers:
    """Say what is done with the requests of a gateway's connections.

    Args:
        door: What all connections share.
        names: The hosts their socket answers for.
    """
    return Handlers(
        answer=partial(rest.answer, door, names),
        fault=partial(rest.fault, door),
        upgrade=partial(upgrade, door, names),
        keeps=rest.KEPT,
    )


@contextlib.asynccontextmanager
async def _nobody_waits_after(until: asyncio.Event, gateway: "Gateway") -> AsyncIterator[None]:
    """Refuse requests that wait for people as soon as the end begins: what is in flight is waited for."""

    async def refuse() -> None:
        await until.wait()
        await gateway.approvals.close()

    refusing = asyncio.create_task(refuse(), name="held requests")
    try:
        yield
    finally:
        if not until.is_set():
            refusing.cancel()
        await asyncio.gather(refusing, return_exceptions=True)


def _tls_files(gateway: "Gateway") -> tuple[Path | None, Path | None]:
    """Find certificate and key; one file may hold both."""
    settings = gateway.settings
    if settings.tls:
        return TlsFolder(settings.home, gateway.clock).server_file(), None
    return settings.tls_cert, settings.tls_key


def _keep_renewed(gateway: "Gateway", stack: contextlib.AsyncExitStack, context: ssl.SSLContext) -> None:
    """Renew a certificate of our own while the gateway runs."""
    renewing = asyncio.create_task(
        keep_renewed(TlsFolder(gateway.settings.home, gateway.clock), context), name="tls renewal"
    )
    stack.callback(renewing.cancel)


@contextlib.asynccontextmanager
async def _proxying(gateway: "Gateway", door: Door) -> AsyncIterator[dict[str, str]]:
    """Serve the forward proxy, if there shall be one; yields its address."""
    settings = gateway.settings
    if settings.proxy_port is None:
        yield {}
        return
    token = ProxyToken(settings.home)
    token.check()
    authority = TlsFolder(settings.home, gateway.clock).proxy_authority(settings.upstream)

    def protocol(host: str, register: set[Any]) -> asyncio.Protocol:
        return HttpProtocol(door, handlers_of(door, HostNames(host, ())), register)

    proxy = ForwardProxy(
        ProxyRules(
            entry_points=entry_points(settings.upstream),
            context=TunnelContexts(authority, gateway.clock).context,
            admits=token.admits,
            protocol=protocol,
            count_refusal=gateway.count_refusal,
        )
    )
    sock = bind(settings.host, settings.proxy_port)
    host, port = sock.getsockname()[:2]
    async with proxy.listening(sock):
        yield {"proxy": addresses_of(host, port, tls=False)["rest"]}


async def _unsealed(gateway: "Gateway") -> str:
    """Try the vault's own KEK source; a failure leaves a sealed vault that can be unsealed by hand."""
    host, request = gateway.host, Unseal()
    try:
        async with host.turn:
            change = await asyncio.to_thread(change_of, host, request)
            opened = await recorded(gateway.trail, change, lambda: asyncio.to_thread(perform, host, request))
    except WatchwordError as error:
        return f"sealed: {error}"
    if isinstance(opened, UnsealedAnswer):
        return f"unsealed, {opened.secrets} secrets"
    return f"sealed: {opened}"


def _announce(
    gateway: "Gateway", on_ready: OnReady | None, more: dict[str, str], host: str, port: int, *, tls: bool
) -> None:
    """Write run.json as soon as connections are accepted."""
    addresses = addresses_of(host, port, tls=tls)
    proxy = {"proxy": more["proxy"]} if "proxy" in more else {}
    gateway.home.write_run({"gateway": {**addresses, **proxy}, "upstream": gateway.settings.upstream})
    if on_ready is not None:
        on_ready({**addresses, **more})
