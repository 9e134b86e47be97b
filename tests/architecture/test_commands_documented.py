"""The README's table of commands is the command line's own."""

import re
from pathlib import Path
from typing import Any

from typer.main import get_command

from watchword.config import ConsoleSettings, GatewaySettings, Settings
from watchword.entrypoints.cli.app import app

ROOT = Path(__file__).resolve().parents[2]


def _commands(command: Any, path: tuple[str, ...]) -> dict[str, str]:
    if hasattr(command, "commands"):
        found: dict[str, str] = {}
        for name, inner in command.commands.items():
            found |= _commands(inner, (*path, name))
        return found
    return {" ".join(path): command.help or ""}


def test_readme_lists_exactly_the_commands() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(watchword [^`]+)` \|", readme, flags=re.MULTILINE))
    assert listed == set(_commands(get_command(app), ("watchword",)))


def test_every_command_says_what_it_does() -> None:
    silent = [name for name, text in _commands(get_command(app), ("watchword",)).items() if len(text) < 10]
    assert not silent


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "recipes" / "settings.md").read_text(encoding="utf-8")
    testnet, _, others = text.partition("## The gateway")
    gateway, _, console = others.partition("## The console")
    assert [name for name in Settings.__struct_fields__ if f"`{name}`" not in testnet] == []
    assert [name for name in GatewaySettings.__struct_fields__ if f"`{name}`" not in gateway] == []
    assert [name for name in ConsoleSettings.__struct_fields__ if f"`{name}`" not in console] == []
