"""What stands around the gateway in its bench: the canned exchange, a plain proxy, a proxy that signs again."""

import json
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec
from tests.support.key_pairs import new_key_pair

from bench._gateway_peers import Missing, Program, find_mitmdump
from bench._gateway_upstream import Server, free_port, start_canned, start_market, start_proxy

#: The signing add-on's keys; nothing stands behind them.
BOT: Final = {"api_key": "B" * 64, "secret": "s" * 64}
ADD_ON: Final = Path(__file__).parent / "_gateway_resign.py"


class Target(msgspec.Struct, frozen=True):
    """Something that takes orders over HTTP.

    Attributes:
        name: For the table.
        port: On loopback.
        keys: The bot's HMAC keys it knows.
        pid: Of its process.
        weight: Share of the requests it gets: the slow ones fewer, so that a round takes all of them about as long.
        kind: What it is sent: `orders`, or `ping`.
    """

    name: str
    port: int
    keys: tuple[dict[str, str], ...]
    pid: int
    weight: float = 1.0
    kind: str = "orders"


class Rig(msgspec.Struct, frozen=True):
    """The running rig.

    Attributes:
        upstream: The canned exchange, asked directly.
        proxy: nginx in front of it.
        resigning: mitmproxy in front of it, or why there is none.
        yardstick: Starlette, answering nothing.
        versions: What the programs call themselves.
    """

    upstream: Target
    proxy: Target
    resigning: Target | Missing
    yardstick: Target
    versions: dict[str, str]


def start_rig(stack: ExitStack, folder: Path, nginx: Program) -> Rig:
    """Start everything; the stack stops it.

    Args:
        stack: Ends what was started.
        folder: For configurations; must exist.
        nginx: The program.
    """

    def keep(server: Server) -> Server:
        stack.callback(server.stop)
        return server

    market = keep(start_market())
    canned = keep(start_canned(nginx.path, folder / "canned", market.port))
    proxy = keep(start_proxy(nginx.path, folder / "proxy", canned.port))
    versions = {"nginx": nginx.version}
    mitmdump = find_mitmdump()
    resigning: Target | Missing
    if isinstance(mitmdump, Program):
        versions["mitmproxy"] = mitmdump.version
        server = keep(start_resigning(mitmdump.path, folder / "resigning", canned.port))
        resigning = Target("mitmproxy", server.port, (BOT,), server.pid, 0.2)
    else:
        resigning = mitmdump
    port = free_port()
    plain = keep(
        Server([sys.executable, "-m", "bench._gateway_yardstick", str(port)], port).wait_until_ready()
    )
    return Rig(
        Target("upstream", canned.port, (BOT,), canned.pid),
        Target("nginx proxy", proxy.port, (BOT,), proxy.pid),
        resigning,
        Target("Starlette", port, (BOT,), plain.pid, 2.0, kind="ping"),
        versions,
    )


def start_resigning(mitmdump: Path, folder: Path, upstream_port: int) -> Server:
    """Start mitmproxy as a reverse proxy that verifies and signs again; it keeps no flows and prints nothing."""
    folder.mkdir()
    pem, _ = new_key_pair("ED25519")
    keys = folder / "keys.json"
    keys.write_text(json.dumps({**BOT, "real_api_key": "R" * 64, "pem": pem}))
    keys.chmod(0o600)
    port = free_port()
    command = [
        str(mitmdump), "--quiet", "--mode", f"reverse:http://127.0.0.1:{upstream_port}",
        "--listen-host", "127.0.0.1", "--listen-port", str(port), "--set", f"confdir={folder}",
        "--set", "flow_detail=0", "--scripts", str(ADD_ON),
    ]  # fmt: skip
    return Server(command, port, {**os.environ, "RESIGN_KEYS": str(keys)}).wait_until_ready()
