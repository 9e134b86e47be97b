"""Options of `watchword gateway serve`; each is a setting of the same name (docs/recipes/settings.md)."""

from pathlib import Path
from typing import Annotated

import typer

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8701")]
UpstreamOption = Annotated[
    str | None, typer.Option(help="The one exchange: live, testnet, demo, local.", show_default="local")
]
LocalAddress = Annotated[
    str | None,
    typer.Option(help="Address of the upstream `local`.", show_default="the testnet running in this home"),
]
UpstreamCa = Annotated[
    Path | None, typer.Option(help="PEM of a further authority to trust for the upstream.")
]
Unseal = Annotated[
    bool | None,
    typer.Option("--unseal", help="Unseal at start, for KEK sources that ask nobody.", show_default=False),
]
SecondSinkOption = Annotated[
    str | None, typer.Option(help="Second copy of the audit trail: file:PATH or command:PROGRAM ARGUMENT...")
]
Tls = Annotated[
    bool | None,
    typer.Option("--tls", help="Serve TLS with the certificate of `watchword tls init`.", show_default=False),
]
TlsCert = Annotated[Path | None, typer.Option(help="PEM certificate chain, to serve TLS.")]
TlsKey = Annotated[Path | None, typer.Option(help="PEM private key of the certificate.")]
AllowHost = Annotated[
    list[str] | None, typer.Option(help="A further name under which clients may call; repeat for more.")
]
ProxyPort = Annotated[
    int | None, typer.Option(help="Also run the forward proxy, on this port.", show_default="off")
]
AnswerTimeout = Annotated[
    float | None, typer.Option(help="How long the upstream may take to answer.", show_default="10")
]
