"""The root of the command line: puts the commands of every part under `watchword`. No behaviour of its own."""

import typer

from watchword.entrypoints.cli import (
    api,
    approval,
    audit,
    console,
    credential,
    demo,
    gateway,
    keys,
    people,
    policy,
    signing_in,
    testnet,
    tls,
    vault,
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="API keys for people who trade on Binance by program, with a testnet of their own.",
)
keys.mount(app)
app.add_typer(testnet.app, name="testnet")
app.add_typer(demo.app, name="demo")
app.add_typer(vault.app, name="vault")
app.add_typer(credential.app, name="credential")
app.add_typer(audit.app, name="audit")
app.add_typer(policy.app, name="policy")
app.add_typer(gateway.app, name="gateway")
app.add_typer(tls.app, name="tls")
app.add_typer(console.app, name="console")
signing_in.mount(app)
app.add_typer(people.app, name="person")
app.add_typer(people.factor_app, name="factor")
app.add_typer(people.token_app, name="token")
app.add_typer(approval.app, name="approval")
app.command("api")(api.api)
