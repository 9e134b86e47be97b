"""Typed settings: the only reader of the environment and of TOML.

Order of precedence: arguments given in code (the command line's flags), environment variables
(`WATCHWORD_HOME`, `WATCHWORD_TESTNET_<NAME>`, `WATCHWORD_GATEWAY_<NAME>`, `WATCHWORD_CONSOLE_<NAME>`),
`HOME/watchword.toml` (tables `[testnet]`, `[gateway]` and `[console]`), the defaults below.
Never opens a store and never starts anything.

Why msgspec and no settings library: it is here anyway, and a settings library would be a third of the server's start.
"""

import os
import tomllib
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from watchword.binance.upstreams import Upstream
from watchword.kernel.errors import ConfigurationError
from watchword.kernel.secret import Secret

DEFAULT_HOME: Final = Path("~/.watchword")
HOME_VARIABLE: Final = "WATCHWORD_HOME"
TESTNET_PORT: Final = 8702
GATEWAY_PORT: Final = 8701
CONSOLE_PORT: Final = 8700
CONFIG_FILE: Final = "watchword.toml"
#: Opens and protects private key files where nobody can be asked; never a command-line argument, which others can see.
KEY_PASSPHRASE_VARIABLE: Final = "WATCHWORD_KEY_PASSPHRASE"  # noqa: S105 - a name, not a passphrase
#: Holds 32 bytes in base64 or hex, for vaults whose KEK source is `environment`.
KEK_VARIABLE: Final = "WATCHWORD_VAULT_KEK"
#: Of the user that sends mails to people.
MAIL_PASSWORD_VARIABLE: Final = "WATCHWORD_MAIL_PASSWORD"  # noqa: S105 - a name, not a password
ACCOUNTS_DATABASE_VARIABLE: Final = "WATCHWORD_ACCOUNTS_DATABASE"
MANAGEMENT_TOKEN_VARIABLE: Final = "WATCHWORD_TOKEN"  # noqa: S105 - a name, not a token
SECRET_FILE_BYTES_MAX: Final = 8_192
#: Variables of Watchword and of where it fetches its own key: nothing that a bot should see.
OWN_PREFIXES: Final = ("WATCHWORD_", "VAULT_TOKEN")


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
        key_rules_as_of: API keys live by the rules of this day; None: of each moment, by the testnet's clock.
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
    key_rules_as_of: date | None = None


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a gateway process can be told.

    Attributes:
        home: Folder of all state; one gateway per home.
        host, port: Where HTTP and WebSockets listen; port 0 takes any free one.
        upstream: The one exchange this process talks to.
        local_address: Of the upstream `local`: scheme, host, port. None: the testnet that runs in this home, else
            where it usually listens.
        upstream_ca: PEM of a further authority to trust for the upstream.
        unseal: Unseal at start with the vault's own KEK source, where that asks nobody.
        second_sink: Where the second copy of the audit trail goes: `file:PATH` or `command:PROGRAM ARGUMENT...`.
        tls: Serve with the certificate that `watchword tls init` made.
        tls_cert, tls_key: Serve with these PEM files instead; both or none.
        allow_host: Further names under which clients may call, separated by commas.
        proxy_port: Where the forward proxy listens; None: it does not.
        answer_timeout_s: How long the upstream may take to answer.
    """

    home: Path
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = GATEWAY_PORT
    upstream: Upstream = "local"
    local_address: str | None = None
    upstream_ca: Path | None = None
    unseal: bool = False
    second_sink: str | None = None
    tls: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    allow_host: str = ""
    proxy_port: Annotated[int, Meta(ge=0, le=65_535)] | None = None
    answer_timeout_s: Annotated[float, Meta(gt=0, le=60)] = 10.0


class ConsoleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a console process can be told.

    Attributes:
        home: Folder of all state; one console per home.
        host, port: Where HTTP listens; port 0 takes any free one.
        origin: What browsers call it by, scheme, host and port; security keys are bound to it. None: localhost and
            the port listened on.
        tls: Serve with the certificate that `watchword tls init` made.
        tls_cert, tls_key: Serve with these PEM files instead; both or none.
        allow_host: Further names under which clients may call, separated by commas.
        limits_scale: Multiplies every rate limit of the management API.
        mail_host: Server that takes mails to people; None: no mail is sent. Its password is in `WATCHWORD_MAIL_PASSWORD`.
        mail_port: 0 takes the usual one.
        mail_security: `starttls`, `tls`, or `none` for a server on this machine.
        mail_sender: Our address.
        mail_user: Empty: without signing in.
        mail_ca: PEM of a further authority to trust for it.
        sms_url: Where short messages are posted to; None: none is sent.
        sms_headers_file: File of lines `Name: value` that let us use it.
        sms_template: The JSON body with `{number}` and `{text}` in it.
        sms_ca: PEM of a further authority to trust for it.
    """

    home: Path
    host: str = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = CONSOLE_PORT
    origin: Annotated[str, Meta(pattern=r"^https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?$(?!\n)")] | None = None
    tls: bool = False
    tls_cert: Path | None = None
    tls_key: Path | None = None
    allow_host: str = ""
    limits_scale: Annotated[float, Meta(gt=0, le=1_000)] = 1.0
    mail_host: str | None = None
    mail_port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    mail_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_sender: str = ""
    mail_user: str = ""
    mail_ca: Path | None = None
    sms_url: str | None = None
    sms_headers_file: Path | None = None
    sms_template: str | None = None
    sms_ca: Path | None = None


def read_settings(**given: object) -> Settings:
    """Build the settings of one testnet process.

    Args:
        given: Names of `Settings` with values that win over everything else; None means "not given".

    Returns:
        The settings, with `home` absolute.

    Raises:
        ConfigurationError: A value does not fit; the text names it and where it came from.
    """
    return Settings(**_values(Settings, "testnet", given))


def read_gateway_settings(**given: object) -> GatewaySettings:
    """Build the settings of one gateway process. See `read_settings`."""
    settings = GatewaySettings(**_values(GatewaySettings, "gateway", given))
    _one_certificate(tls=settings.tls, given=settings.tls_cert)
    return settings


def read_console_settings(**given: object) -> ConsoleSettings:
    """Build the settings of one console process. See `read_settings`."""
    settings = ConsoleSettings(**_values(ConsoleSettings, "console", given))
    _one_certificate(tls=settings.tls, given=settings.tls_cert)
    return settings


def _one_certificate(*, tls: bool, given: Path | None) -> None:
    if tls and given is not None:
        raise ConfigurationError("give --tls or --tls-cert and --tls-key, not both")


def _values(kind: type[msgspec.Struct], table_name: str, given: dict[str, object]) -> dict[str, Any]:
    """Gather what was given for each field of a settings struct."""
    home = home_folder(Path(str(given["home"])) if given.get("home") else None)
    file = home / CONFIG_FILE
    table = _table(file, table_name)
    values: dict[str, Any] = {"home": home}
    for field in msgspec.structs.fields(kind):
        name, variable = field.name, f"WATCHWORD_{table_name}_{field.name}".upper()
        from_table = table.pop(name, None)
        if name == "home":
            continue
        if given.get(name) is not None:
            values[name] = _fitting(given[name], field.type, f"setting {name}")
        elif os.environ.get(variable):
            values[name] = _fitting(os.environ[variable], field.type, f"environment variable {variable}")
        elif from_table is not None:
            values[name] = _fitting(from_table, field.type, f"{file}: {name}")
    if table:
        raise ConfigurationError(f"{file}: [{table_name}] has no setting {min(table)}")
    if ("tls_cert" in values) != ("tls_key" in values):
        raise ConfigurationError("give both --tls-cert and --tls-key, or neither")
    return values


def key_passphrase() -> str | None:
    """Return the passphrase for private key files that the environment gives; an empty one counts as none."""
    return os.environ.get(KEY_PASSPHRASE_VARIABLE) or None


def _table(path: Path, name: str) -> dict[str, Any]:
    """Read one table of the home's TOML file; a missing file is an empty table."""
    try:
        table = tomllib.loads(path.read_text("utf-8")).get(name, {})
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"cannot read {path}: {error}") from error
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: [{name}] must be a table")
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


def mail_password() -> Secret | None:
    """Read the mail server's password: `WATCHWORD_MAIL_PASSWORD`, or the file that its `_FILE` twin names."""
    return _secret_variable(MAIL_PASSWORD_VARIABLE)


def accounts_database() -> Secret | None:
    """Read where people are kept instead of `HOME/console/accounts.db`: a PostgreSQL address, with its password.

    It is in `WATCHWORD_ACCOUNTS_DATABASE`, or in the file that its `_FILE` twin names.
    """
    return _secret_variable(ACCOUNTS_DATABASE_VARIABLE)


def management_token() -> Secret | None:
    """Read an API token of the management API: `WATCHWORD_TOKEN`, or the file that its `_FILE` twin names."""
    return _secret_variable(MANAGEMENT_TOKEN_VARIABLE)


def home_folder(given: Path | None) -> Path:
    """Say which home is meant: the argument, else the environment, else the default; absolute."""
    return Path(given or os.environ.get(HOME_VARIABLE) or DEFAULT_HOME).expanduser().absolute()


def child_environment(
    without: Collection[str], given: Mapping[str, str], otherwise: Mapping[str, str]
) -> dict[str, str]:
    """Return what a command that Watchword starts may see: this environment without Watchword's own variables.

    Args:
        without: Further names to leave out.
        given: Names to set.
        otherwise: Names to set where they are not set.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(OWN_PREFIXES) and name not in without
    }
    return {**otherwise, **kept, **given}


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
