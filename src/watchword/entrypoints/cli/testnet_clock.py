"""`watchword testnet clock`: show the testnet's clock, or move it. Only parses, asks and prints."""

from typing import Annotated, Any, Final

import typer

from watchword.config import read_settings
from watchword.entrypoints.cli.admin_client import administration, home_must_exist
from watchword.entrypoints.cli.output import say, show_json
from watchword.entrypoints.cli.testnet_options import AsJson, HomeOption, faults_shown
from watchword.entrypoints.testnet.admin import requests as ask

SHOW: Final = "show"


def clock(
    by: Annotated[
        str, typer.Argument(metavar="[SPAN|show]", help="How far forward: +30d, +12h, +90s; or show.")
    ] = SHOW,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Show the testnet's clock, or move it forward: `watchword testnet clock +30d`. It stays moved."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet clock") as perform:
            shown: dict[str, Any] = perform(ask.ShowClock() if by == SHOW else ask.MoveClock(by))
        if as_json:
            show_json(shown)
            return
        say(f"{shown['now']}, ahead of this machine by {shown['moved_by']}.")
        told = shown.get("key_events", [])
        for text in told:
            say(text)
        left = shown.get("key_events_count", 0) - len(told)
        if left:
            say(f"… and {left} more: watchword testnet key events")
