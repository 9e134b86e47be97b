"""`watchword tls …`: the gateway's own certificates, and how clients learn to trust them. Only parses and prints."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watchword.binance.upstreams import UPSTREAMS
from watchword.config import home_folder
from watchword.entrypoints.cli.output import say, show_fields, show_json, show_table
from watchword.entrypoints.cli.tls_trust import environment, ways_to_trust
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, faults_shown
from watchword.kernel.errors import ConfigurationError

if TYPE_CHECKING:
    from watchword.binance.upstreams import Upstream
    from watchword.bootstrap.tls import Certificate, TlsFolder

#: A gateway on the machine it is used from needs no name given.
LOCAL_HOSTS: Final = ("localhost",)
LOCAL_ADDRESSES: Final = ("127.0.0.1", "::1")

app = typer.Typer(no_args_is_help=True, help="Certificates of the gateway, and of its forward proxy.")


@app.callback()
def _tls() -> None:
    """Certificates of the gateway, and of its forward proxy."""


@app.command()
def init(
    name: Annotated[
        list[str] | None,
        typer.Option(help="Host name of the gateway besides localhost; repeat for more.", show_default=False),
    ] = None,
    ip: Annotated[
        list[str] | None,
        typer.Option(help="Its address besides 127.0.0.1 and ::1; repeat for more.", show_default=False),
    ] = None,
    renew: Annotated[
        bool, typer.Option("--renew", help="New server certificate under the authority there is.")
    ] = False,
    new_ca: Annotated[
        bool,
        typer.Option("--new-ca", help="Replace the authority too; every client must then be told again."),
    ] = False,
    proxy_for: Annotated[
        str,
        typer.Option(
            help="Make the forward proxy's authority for this upstream instead: live, testnet, demo, local.",
            show_default=False,
        ),
    ] = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a local certificate authority and the gateway's server certificate.

    The authority can vouch for the names given here and for nothing else. The
    gateway takes the certificate with --tls, and renews it by itself.

    Example: watchword tls init --name gateway.lan --ip 192.168.1.5
    """
    with faults_shown(as_json=as_json):
        folder = _folder(home)
        if renew and new_ca:
            raise ConfigurationError("--new-ca makes a new server certificate too; leave --renew out")
        if proxy_for:
            if renew or name or ip:
                raise ConfigurationError(
                    "--proxy-for takes the upstream's host names; leave --name, --ip, --renew out"
                )
            upstream = _upstream(proxy_for)
            folder.make_proxy(upstream, replace=new_ca)
            part = f"proxy-{upstream}"
        else:
            _make_server(folder, name or [], ip or [], renew=renew, new_ca=new_ca)
            part = "ca"
        _show_made(folder, part, renewed=renew, as_json=as_json)


@app.command()
def show(
    pem: Annotated[
        str,
        typer.Option(
            metavar="PART",
            help="Print this authority's certificate as PEM, to be trusted elsewhere: ca, proxy-live, …",
            show_default=False,
        ),
    ] = "",
    trust: Annotated[bool, typer.Option("--trust", help="Also say how each client is told.")] = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Show the certificates of this home: names, fingerprints, days left. Never a private key."""
    with faults_shown(as_json=as_json):
        folder = _folder(home)
        if pem:
            if pem not in _authorities():
                raise ConfigurationError(f"--pem takes one of {', '.join(_authorities())}")
            sys.stdout.write(folder.trusted(pem).decode("ascii"))
            return
        found = folder.certificates()
        if as_json:
            show_json({"folder": str(folder.path), "certificates": [_fields(one) for one in found]})
            return
        if not found:
            raise ConfigurationError(
                f"{folder.path} holds no certificates; make them with: watchword tls init"
            )
        _show(found)
        for one in found if trust else ():
            if one.part != "server":
                _show_ways(one)


def _folder(home: Path | None) -> "TlsFolder":
    from watchword.adapters.system import SystemClock
    from watchword.bootstrap.tls import TlsFolder

    return TlsFolder(home_folder(home), SystemClock())


def _make_server(
    folder: "TlsFolder", hosts: list[str], addresses: list[str], *, renew: bool, new_ca: bool
) -> None:
    """Make both, or the server certificate alone. On renewal no name given means: the same as before."""
    from watchword.gateway.certificate_names import read_names

    given = read_names((*LOCAL_HOSTS, *hosts), (*LOCAL_ADDRESSES, *addresses))
    if renew:
        folder.renew_server(given if hosts or addresses else None)
    else:
        folder.make_server(given, replace=new_ca)


def _upstream(text: str) -> "Upstream":
    for upstream in UPSTREAMS:
        if upstream == text:
            return upstream
    raise ConfigurationError(f"--proxy-for takes one of {', '.join(UPSTREAMS)}")


def _authorities() -> tuple[str, ...]:
    return ("ca", *(f"proxy-{upstream}" for upstream in UPSTREAMS))


def _show_made(folder: "TlsFolder", part: str, *, renewed: bool, as_json: bool) -> None:
    parts = (part,) if part != "ca" else ("ca", "server")
    found = {one.part: one for one in folder.certificates() if one.part in parts}
    trusted = found[part].path
    if as_json:
        show_json(
            {
                "certificates": [_fields(one) for one in found.values()],
                "trust": {"file": str(trusted), "environment": environment(trusted)},
            }
        )
        return
    _show(list(found.values()))
    if renewed:
        say("Renewed. Clients need not be told anything; a gateway that runs takes it within the hour.")
        return
    _show_ways(found[part])
    say("\n" + (_NEXT_SERVER if part == "ca" else _NEXT_PROXY).format(part=part))


_NEXT_SERVER: Final = (
    "Next: watchword gateway serve --tls. For clients on other machines: watchword tls show --pem {part}"
)
_NEXT_PROXY: Final = (
    "Next: watchword gateway proxy-token, then watchword gateway serve --proxy-port 8711. Give this file to the bot "
    "alone,\nnot to a browser or the whole machine: who trusts it lets this gateway read what it sends to the exchange."
)


def _show(certificates: list["Certificate"]) -> None:
    for one in certificates:
        show_fields(
            {
                "part": f"{one.part}  ({one.description.subject})",
                "names": _names(one),
                "sha256": one.description.fingerprint,
                "days_left": one.days_left,
                "file": one.path,
            }
        )
        say("")


def _show_ways(authority: "Certificate") -> None:
    say(f"How each client is told to trust {authority.path}:")
    show_table("", ("client", "how"), ways_to_trust(authority.path))


def _names(one: "Certificate") -> list[str]:
    return [*one.description.names.hosts, *one.description.names.addresses]


def _fields(one: "Certificate") -> Mapping[str, Any]:
    return {
        "part": one.part,
        "file": str(one.path),
        "subject": one.description.subject,
        "names": _names(one),
        "sha256": one.description.fingerprint,
        "ends_us": one.description.ends_us,
        "days_left": one.days_left,
    }
