"""`watchword testnet …`: run a testnet, pay in, reset, look at it, replay a recording. Accounts and keys have their own files.

Only parses, asks and prints: what happens is decided in `entrypoints.testnet.admin`.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.config import read_settings
from watchword.entrypoints.cli import (
    testnet_accounts,
    testnet_addresses,
    testnet_clock,
    testnet_key_life,
    testnet_keys,
)
from watchword.entrypoints.cli.admin_client import administration, home_must_exist, running
from watchword.entrypoints.cli.output import say, show_fields, show_json
from watchword.entrypoints.cli.testnet_options import (
    AsJson,
    Deposits,
    HomeOption,
    faults_shown,
    read_deposits,
)
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.kernel.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="A Binance-compatible exchange on this machine.")
app.add_typer(testnet_accounts.app, name="account")
app.add_typer(testnet_addresses.app, name="address")
testnet_keys.app.add_typer(testnet_key_life.app)
app.add_typer(testnet_keys.app, name="key")
app.command()(testnet_clock.clock)


@app.command()
def serve(
    home: HomeOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8702")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Feeds market makers and made-up history of a new home.", show_default="1"),
    ] = None,
    liquidity: Annotated[
        bool | None,
        typer.Option(
            "--liquidity/--no-liquidity",
            help="Whether market makers trade in a new home; without them books and history are empty.",
            show_default="--liquidity",
        ),
    ] = None,
    instruments: Annotated[
        Path | None, typer.Option(help="A new home lists the symbols of this saved exchangeInfo JSON.")
    ] = None,
    limits_scale: Annotated[
        float | None, typer.Option(help="Multiplies every rate limit; 0 turns them off.", show_default="1")
    ] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate chain, to serve TLS.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM private key of the certificate.")] = None,
) -> None:
    """Run the testnet until Ctrl-C.

    Orders are acknowledged only once they are on disk; a killed testnet goes on where it was. When it is ready,
    HOME/run.json says where.
    """
    import uvloop

    from watchword.bootstrap.testnet import open_testnet
    from watchword.entrypoints.testnet.server import serve as serve_testnet

    with faults_shown(as_json=False):
        settings = read_settings(
            home=home,
            host=host,
            port=port,
            seed=seed,
            liquidity=liquidity,
            instruments=instruments,
            limits_scale=limits_scale,
            tls_cert=tls_cert,
            tls_key=tls_key,
        )
        testnet = open_testnet(settings)
        uvloop.run(serve_testnet(testnet, on_ready=_say_ready))


@app.command()
def deposit(
    account: Annotated[str, typer.Argument(help="Name or number of the account.")],
    deposits: Deposits,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Pay into an account: `watchword testnet deposit alice USDT=1000 BTC=0.5`."""
    with faults_shown(as_json=as_json):
        request = ask.DepositMoney(account, read_deposits(deposits))
        with administration(read_settings(home=home), "watchword testnet deposit") as perform:
            _show_account(perform(request), as_json=as_json)


@app.command()
def reset(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Wipe all orders and balances; accounts, their opening deposits and keys stay."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet reset") as perform:
            done = perform(ask.Reset())
        if as_json:
            show_json(done)
        else:
            say("Reset: orders and balances are wiped, opening deposits paid again, keys kept.")


@app.command()
def status(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show whether the testnet runs, where, and how it is."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        if running(settings):
            with administration(settings, "watchword testnet status") as perform:
                state: dict[str, Any] = {"running": True, **perform(ask.ShowStatus())}
        else:
            state = {"running": False, "home": str(settings.home)}
        if as_json:
            show_json(state)
        else:
            show_fields(state)


@app.command()
def snapshot(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Make a snapshot now, so that the next start is quick."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet snapshot") as perform:
            made = perform(ask.MakeSnapshot())
        if as_json:
            show_json(made)
        else:
            say(f"Snapshot of sequence {made['sequence']}.")


@app.command()
def verify(home: HomeOption = None, as_json: AsJson = False) -> None:
    """Replay everything from the first command and compare with the present state.

    Works beside a running testnet, which is asked for its state hash.
    """
    from watchword.bootstrap.verification import replayed_hash

    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet verify") as perform:
            live = perform(ask.ShowHash())
            replayed = replayed_hash(settings.home, live["sequence"])
        if replayed != live["state_hash"]:
            raise ConfigurationError(
                f"at sequence {live['sequence']} the state hash is {live['state_hash']}, but replay gives {replayed}"
            )
        if as_json:
            show_json({**live, "verified": True})
        else:
            say(f"Sequence {live['sequence']}: replay from the first command gives the same state.")


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(help="Trades or aggTrades of Binance's public dump: .csv or .zip.")],
    symbol: Annotated[
        str | None, typer.Option(help="The symbol it belongs to.", show_default="from the file's name")
    ] = None,
    speed: Annotated[
        str, typer.Option(help="1 is as recorded, 60 a minute a second, max as fast as possible.")
    ] = "1",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Play a recording as the market of one symbol; its own market makers pause and stay off."""
    from watchword.entrypoints.cli.testnet_replay import play, read_speed, symbol_of

    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        chosen = symbol or symbol_of(file)
        with administration(settings, "watchword testnet replay") as perform:
            played = play(perform, file, chosen, read_speed(speed))
        if as_json:
            show_json(played)
        else:
            say(f"{chosen}: {played['imported']} trades played, {played['refused']} refused.")


def _say_ready(addresses: dict[str, str]) -> None:
    say(f"Testnet ready: {addresses['rest']}  (Ctrl-C stops it)")


def _show_account(account: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json(account)
    else:
        testnet_accounts.show_accounts([account])
