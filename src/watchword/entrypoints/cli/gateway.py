"""`watchword gateway …`: run the gateway, look at it, make the forward proxy's token. Only parses, asks and prints."""

import logging
from typing import Annotated, Any, Final

import typer

from watchword.config import home_folder, read_gateway_settings
from watchword.entrypoints.cli import gateway_options as options
from watchword.entrypoints.cli.output import say, show_fields, show_json
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, faults_shown

LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

app = typer.Typer(
    no_args_is_help=True, help="Stands between bots and the exchange: checks, records, signs again."
)


@app.callback()
def _gateway() -> None:
    """Stands between bots and the exchange: checks, records, signs again."""


@app.command()
def serve(
    home: HomeOption = None,
    host: options.Host = None,
    port: options.Port = None,
    upstream: options.UpstreamOption = None,
    local_address: options.LocalAddress = None,
    upstream_ca: options.UpstreamCa = None,
    unseal: options.Unseal = None,
    second_sink: options.SecondSinkOption = None,
    tls: options.Tls = None,
    tls_cert: options.TlsCert = None,
    tls_key: options.TlsKey = None,
    allow_host: options.AllowHost = None,
    proxy_port: options.ProxyPort = None,
    answer_timeout_s: options.AnswerTimeout = None,
) -> None:
    """Run the gateway until Ctrl-C. It starts sealed unless told otherwise.

    Bots get its address and a virtual key (watchword key issue); it signs with the real credential in the vault.
    When it is ready, HOME/gateway/run.json says where.
    """
    import uvloop

    from watchword.bootstrap.gateway import Gateway
    from watchword.entrypoints.gateway.server import serve as serve_gateway

    with faults_shown(as_json=False):
        settings = read_gateway_settings(
            home=home,
            host=host,
            port=port,
            upstream=upstream,
            local_address=local_address,
            upstream_ca=upstream_ca,
            unseal=unseal,
            second_sink=second_sink,
            tls=tls,
            tls_cert=tls_cert,
            tls_key=tls_key,
            allow_host=",".join(allow_host) if allow_host else None,
            proxy_port=proxy_port,
            answer_timeout_s=answer_timeout_s,
        )
        _log_to_stderr()
        uvloop.run(serve_gateway(Gateway.open(settings), on_ready=_say_ready))


@app.command()
def status(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show whether the gateway runs, where, and how it is: vault, audit trail, clock, connections."""
    from watchword.adapters.gateway_home import read_run
    from watchword.entrypoints.cli.virtual_keys_client import NoGatewayError, running_gateway
    from watchword.entrypoints.gateway.admin.requests import ShowGateway

    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        state: dict[str, Any]
        try:
            with running_gateway(folder) as ask:
                state = {"running": True, **read_run(folder), **ask(ShowGateway())}
        except NoGatewayError:
            state = {"running": False, "home": str(folder)}
        if as_json:
            show_json(state)
        else:
            show_fields(_flat(state))


@app.command("proxy-token")
def proxy_token(
    replace: Annotated[
        bool, typer.Option("--replace", help="Make a new one; the old one ends at once.")
    ] = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make the token that clients of the forward proxy show; it is printed this once."""
    from watchword.adapters.system import SystemClock, SystemEntropy
    from watchword.bootstrap.proxy_token import ProxyToken

    with faults_shown(as_json=as_json):
        made = ProxyToken(home_folder(home)).make(SystemEntropy(), SystemClock().now_us(), replace=replace)
        if as_json:
            show_json({"token": made})
        else:
            say(f"Proxy token, shown this once: {made}\nClients take: http://watchword:TOKEN@HOST:PORT")


def _log_to_stderr() -> None:
    """Let what the gateway notes be seen. Nothing that passes through it is logged, only what became of its parts."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(LOG_FORMAT))
    log = logging.getLogger("watchword")
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def _say_ready(told: dict[str, str]) -> None:
    say(f"Gateway ready: {told['rest']}  vault {told['vault']}  (Ctrl-C stops it)")
    if "proxy" in told:
        say(f"Forward proxy: {told['proxy']}")


def _flat(state: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Put nested fields on lines of their own."""
    flat: dict[str, Any] = {}
    for name, value in state.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name} "))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, one in enumerate(value, 1):
                flat.update(_flat(one, f"{prefix}{name} {number} "))
        else:
            flat[f"{prefix}{name}"] = value
    return flat
