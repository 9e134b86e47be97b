"""The documents' commands are the command line's own."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from watchword.config import ConsoleSettings, GatewaySettings, Settings
from watchword.entrypoints.cli.app import PARTS, app

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "docs" / "recipes"


def _commands(command: Any, path: tuple[str, ...]) -> dict[str, str]:
    if hasattr(command, "commands"):
        found: dict[str, str] = {}
        for name, inner in command.commands.items():
            found |= _commands(inner, (*path, name))
        return found
    return {" ".join(path): command.help or ""}


def test_document_lists_exactly_the_commands_in_their_own_words() -> None:
    document = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(watchword [^`]+)` \| (.*) \|$", document, flags=re.MULTILINE)
    commands = _commands(get_command(app), ("watchword",))
    assert dict(listed) == {name: text.strip().splitlines()[0] for name, text in commands.items()}
    assert len(listed) == len(commands)


@pytest.mark.parametrize(
    "name", ["README.md", *(f"docs/recipes/{path.name}" for path in sorted(RECIPES.glob("*.md")))]
)
def test_documents_name_only_commands_there_are(name: str) -> None:
    commands = set(_commands(get_command(app), ("watchword",)))
    groups = {" ".join(command.split()[:2]) for command in commands}
    text = (ROOT / name).read_text(encoding="utf-8")
    for said in re.findall(r"(?:^\$ |`)(watchword [a-z-]+(?: [a-z-]+)?)", text, flags=re.MULTILINE):
        one, two = " ".join(said.split()[:2]), " ".join(said.split()[:3])
        assert (
            one in commands
            or two in groups | commands
            or any(name.startswith(f"{two} ") for name in commands)
        ), said


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


def test_listed_summaries_are_the_commands_own_first_paragraphs() -> None:
    root: Any = get_command(app)
    own = {name: (root.commands[name].help or "").partition("\n\n")[0] for name in PARTS}
    assert own == {name: part.summary for name, part in PARTS.items()}


def test_help_of_the_root_loads_no_part() -> None:
    program = (
        "import sys\n"
        "from watchword.entrypoints.cli.app import app\n"
        "try: app(['--help'])\n"
        "finally: print(*(name for name in sys.modules if name.startswith('watchword')))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "keygen" in done.stdout
    assert set(done.stdout.splitlines()[-1].split()) == {
        "watchword", "watchword.entrypoints", "watchword.entrypoints.cli", "watchword.entrypoints.cli.app",
    }  # fmt: skip
