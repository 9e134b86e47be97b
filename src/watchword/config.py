"""Typed settings: the only reader of the environment and of TOML.

Order of precedence: arguments given in code (the command line's flags), environment variables
(`WATCHWORD_HOME`, `WATCHWORD_TESTNET_<NAME>`), `HOME/watchword.toml` (table `[testnet]`), the defaults below.
Never opens a store and never starts anything.

Why msgspec and no settings library: it is here anyway, and a settings library would be a third of the server's start.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

DEFAULT_HOME: Final = Path("~/.watchword")
HOME_VARIABLE: Final = "WATCHWORD_HOME"
VARIABLE_PREFIX: Final = "WATCHWORD_TESTNET_"
TESTNET_PORT: Final = 8702
CONFIG_FILE: Final = "watchword.toml"
#: Opens and protects private key files where nobody can be asked; never a command-line argument, which others can see.
KEY_PASSPHRASE_VARIABLE: Final = "WATCHWORD_KEY_PASSPHRASE"  # noqa: S105 - a name, not a passphrase
#: Holds 32 bytes in base64 or hex, for vaults whose KEK source is `environment`.
KEK_VARIABLE: Final = "WATCHWORD_VAULT_KEK"
SECRET_FILE_BYTES_MAX: Final = 8_192


class Settings(msgspec.Struct, frozen=True, kw_only=True):
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

    home: Path
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = TESTNET_PORT
    seed: Annotated[int, Meta(ge=0, lt=1 << 62)] | None = None
    liquidity: bool | None = None
    instruments: Path | None = None
    limits_scale: Annotated[float, Meta(ge=0, le=1_000_000)] = 1.0
    tls_cert: Path | None = None
    tls_key: Path | None = None
    snapshot_every_commands: Annotated[int, Meta(ge=1)] = 100_000
    snapshot_replay_ms_max: Annotated[int, Meta(ge=10)] = 1_000
    archive_journal: bool = True
    tick_interval_ms: Annotated[int, Meta(ge=10)] = 250


def read_settings(**given: object) -> Settings:
    """Build the settings of one process.

    Args:
        given: Names of `Settings` with values that win over everything else; None means "not given".

    Returns:
        The settings, with `home` absolute.

    Raises:
        ConfigurationError: A value does not fit; the text names it and where it came from.
    """
    home = (
        Path(str(given.get("home") or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME)).expanduser().absolute()
    )
    table = _table(home / CONFIG_FILE)
    values: dict[str, Any] = {"home": home}
    for field in msgspec.structs.fields(Settings):
        name, variable = field.name, VARIABLE_PREFIX + field.name.upper()
        from_table = table.pop(name, None)
        if name == "home":
            continue
        if given.get(name) is not None:
            values[name] = _fitting(given[name], field.type, f"setting {name}")
        elif os.environ.get(variable):
            values[name] = _fitting(os.environ[variable], field.type, f"environment variable {variable}")
        elif from_table is not None:
            values[name] = _fitting(from_table, field.type, f"{home / CONFIG_FILE}: {name}")
    if table:
        raise ConfigurationError(f"{home / CONFIG_FILE}: [testnet] has no setting {min(table)}")
    if ("tls_cert" in values) != ("tls_key" in values):
        raise ConfigurationError("give both --tls-cert and --tls-key, or neither")
    return Settings(**values)


def key_passphrase() -> str | None:
    """Return the passphrase for private key files that the environment gives; an empty one counts as none."""
    return os.environ.get(KEY_PASSPHRASE_VARIABLE) or None


def _table(path: Path) -> dict[str, Any]:
    """Read `[testnet]` of the home's TOML file; a missing file is an empty table."""
    try:
        table = tomllib.loads(path.read_text("utf-8")).get("testnet", {})
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: [testnet] must be a table")
    return table


def _fitting(value: object, kind: Any, origin: str) -> Any:
    """Turn a value, often text, into what a setting wants.

    Args:
        value: As given.
        kind: The setting's type with its bounds.
        origin: Where it was given, for the error text.
    """
    try:
        return msgspec.convert(value, kind, strict=False, dec_hook=_path)
    except (msgspec.ValidationError, TypeError) as error:
        raise ConfigurationError(f"{origin}: {error}") from error


def _path(kind: Any, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    raise msgspec.ValidationError(f"Expected `{kind.__name__}`, got `{type(value).__name__}`")


class VaultEnvironment(msgspec.Struct, frozen=True):
    """What the process that unseals a vault finds in its environment. Every secret may also come from NAME_FILE.

    Attributes:
        kek: `WATCHWORD_VAULT_KEK`, for the KEK source `environment`.
        transit_token: `VAULT_TOKEN`, for the KEK source `transit`.
        transit_ca_file: `VAULT_CACERT`.
        transit_namespace: `VAULT_NAMESPACE`.
        local_upstream: `WATCHWORD_UPSTREAM_LOCAL`, the testnet's address if it is in another home.
    """

    kek: Secret | None = None
    transit_token: Secret | None = None
    transit_ca_file: str | None = None
    transit_namespace: str = ""
    local_upstream: str | None = None


def vault_environment() -> VaultEnvironment:
    """Read what a vault's KEK source may need.

    Raises:
        ConfigurationError: A variable and its `_FILE` are both set, or the file cannot be read.
    """
    return VaultEnvironment(
        kek=_secret_variable(KEK_VARIABLE),
        transit_token=_secret_variable("VAULT_TOKEN"),
        transit_ca_file=os.environ.get("VAULT_CACERT") or None,
        transit_namespace=os.environ.get("VAULT_NAMESPACE", ""),
        local_upstream=os.environ.get("WATCHWORD_UPSTREAM_LOCAL") or None,
    )


def home_folder(given: Path | None) -> Path:
    """Say which home is meant: the argument, else the environment, else the default; absolute."""
    return Path(given or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().absolute()


def _secret_variable(name: str) -> Secret | None:
    """Read a secret from a variable or from the file that its `_FILE` twin names; the file's last line end goes."""
    text, path = os.environ.get(name), os.environ.get(f"{name}_FILE")
    if text and path:
        raise ConfigurationError(f"set {name} or {name}_FILE, not both")
    if not path:
        return Secret(text.encode("utf-8", "surrogateescape")) if text else None
    try:
        with Path(path).open("rb") as file:
            raw = file.read(SECRET_FILE_BYTES_MAX)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}, which {name}_FILE names: {error.strerror}") from error
    return Secret(raw.removesuffix(b"\n").removesuffix(b"\r"))
