"""Typed settings: the only reader of the environment and of TOML.

Order of precedence: arguments given in code (the command line's flags), environment variables
(`WATCHWORD_HOME`, `WATCHWORD_TESTNET_<NAME>`), `HOME/watchword.toml` (table `[testnet]`), the defaults below.
Never opens a store and never starts anything.
"""

import os
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from watchword.kernel.errors import ConfigurationError

DEFAULT_HOME: Final = Path("~/.watchword")
TESTNET_PORT: Final = 8702
CONFIG_FILE: Final = "watchword.toml"
#: Opens and protects private key files where nobody can be asked; never a command-line argument, which others can see.
KEY_PASSPHRASE_VARIABLE: Final = "WATCHWORD_KEY_PASSPHRASE"  # noqa: S105 - a name, not a passphrase


class Settings(BaseSettings):
    """Everything a testnet process can be told.

    Attributes:
        home: Folder of all state; one process per home.
        host, port: Where HTTP and WebSockets listen; port 0 takes any free one.
        seed: Feeds the market makers and the made-up history. None: 1 at the first start, later whatever the
            home was opened with.
        liquidity: Whether market makers trade. None: yes at the first start, later as the home was opened.
        instruments: A saved `exchangeInfo` JSON to open a new home with; None means the built-in symbols.
        limits_scale: Multiplies every rate limit; 0 turns them off.
        tls_cert, tls_key: PEM files; both or none.
        snapshot_every_commands: A snapshot is due after so many commands, or earlier when replaying what came
            since the last one would take longer than `snapshot_replay_ms_max`.
        snapshot_replay_ms_max: How much work, measured as time spent applying, may lie after a snapshot.
        archive_journal: Move the journal before the last two snapshots into `testnet/archive/`.
        tick_interval_ms: How often the market makers act.
    """

    model_config = SettingsConfigDict(
        env_prefix="WATCHWORD_TESTNET_", extra="forbid", frozen=True, populate_by_name=True
    )

    home: Path = Field(default=DEFAULT_HOME, validation_alias="WATCHWORD_HOME")
    host: str = "127.0.0.1"
    port: int = Field(default=TESTNET_PORT, ge=0, le=65535)
    seed: int | None = Field(default=None, ge=0, lt=1 << 63)
    liquidity: bool | None = None
    instruments: Path | None = None
    limits_scale: float = Field(default=1.0, ge=0, le=1_000_000)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    snapshot_every_commands: int = Field(default=100_000, ge=1)
    snapshot_replay_ms_max: int = Field(default=1000, ge=10)
    archive_journal: bool = True
    tick_interval_ms: int = Field(default=250, ge=10)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only arguments and the environment; the TOML file is read by `read_settings`."""
        return init_settings, env_settings


def read_settings(**given: object) -> Settings:
    """Build the settings of one process.

    Args:
        given: Names of `Settings` with values that win over everything else; None means "not given".

    Returns:
        The settings, with `home` absolute.

    Raises:
        ConfigurationError: A value does not fit; the text names it and where it came from.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    home = Path(str(chosen.pop("home", None) or os.environ.get("WATCHWORD_HOME") or DEFAULT_HOME))
    home = home.expanduser().absolute()
    try:
        values: dict[str, Any] = {**_unset_in_environment(_table(home / CONFIG_FILE)), **chosen, "home": home}
        settings = Settings(**values)
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from error
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise ConfigurationError("give both --tls-cert and --tls-key, or neither")
    return settings


def key_passphrase() -> str | None:
    """Return the passphrase for private key files that the environment gives; an empty one counts as none."""
    return os.environ.get(KEY_PASSPHRASE_VARIABLE) or None


def _table(path: Path) -> dict[str, Any]:
    """Read `[testnet]` of the home's TOML file; a missing file is an empty table."""
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("testnet", {})
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: [testnet] must be a table")
    return table


def _unset_in_environment(table: dict[str, Any]) -> dict[str, Any]:
    """Drop what the environment also sets, because the environment wins over the file."""
    environment = {name.upper() for name in os.environ}
    return {
        name: value for name, value in table.items() if f"WATCHWORD_TESTNET_{name.upper()}" not in environment
    }


def _explain(error: ValidationError) -> str:
    """Say what is wrong in one line per setting."""
    lines = [f"setting {'.'.join(str(part) for part in at['loc'])}: {at['msg']}" for at in error.errors()]
    return "; ".join(lines)
