"""`watchword testnet key …`. Only parses, asks and prints; a private key made here never leaves this process but to its file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from watchword.adapters.key_files import write_new
from watchword.adapters.system import SystemEntropy
from watchword.config import read_settings
from watchword.credentials.key_templates import TEMPLATES
from watchword.credentials.keypair import KeyKind, generate
from watchword.credentials.permission import PERMISSIONS
from watchword.credentials.verifier import KeyType
from watchword.entrypoints.cli.admin_client import administration, home_must_exist
from watchword.entrypoints.cli.output import say, show_fields, show_json, show_table
from watchword.entrypoints.cli.paging_options import Cursor, Descending, Limit, Query, say_where
from watchword.entrypoints.cli.testnet_options import AsJson, HomeOption, faults_shown
from watchword.entrypoints.testnet.admin import requests as ask
from watchword.kernel.errors import ConfigurationError

app = typer.Typer(no_args_is_help=True, help="API keys of the testnet.")

PUBLIC_KEY_BYTES_MAX: Final = 65_536


class Kind(StrEnum):
    """Types of keys."""

    HMAC = "hmac"
    RSA = "rsa"
    ED25519 = "ed25519"


_TYPES: Final[dict[Kind, KeyType]] = {Kind.HMAC: "HMAC", Kind.RSA: "RSA", Kind.ED25519: "ED25519"}
_MADE: Final[dict[Kind, KeyKind]] = {Kind.RSA: "rsa-2048", Kind.ED25519: "ed25519"}
_PERMISSION_HELP: Final = (
    f"Grant to add; READING is there already. `trade` for trading. All: {', '.join(PERMISSIONS)}."
)

_TEMPLATES: Final = tuple(one.name for one in TEMPLATES)

Label = Annotated[str | None, typer.Option(help="What you call it.")]
Permissions = Annotated[list[str] | None, typer.Option("--permission", help=_PERMISSION_HELP)]
Ips = Annotated[
    list[str] | None, typer.Option("--ip", help="Address or range it works from; repeat for more.")
]
Symbols = Annotated[list[str] | None, typer.Option("--symbol", help="Symbol it may trade; repeat for more.")]
Expires = Annotated[
    str | None, typer.Option(help="2027-01-31, 2027-01-31T12:00:00Z or a span such as 30d, 12h.")
]
ApiKey = Annotated[str, typer.Argument(help="The API key, or a beginning of it that is unique.")]


@app.command()
def create(
    account: Annotated[str, typer.Option(help="Name or number of its account.")],
    kind: Annotated[Kind, typer.Option("--type", help="ed25519 is what Binance recommends.")],
    public_key: Annotated[
        Path | None,
        typer.Option(help="Public key file of your own pair (rsa, ed25519); without it a pair is made here."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="New file for the private key made here (0600).", show_default="./ACCOUNT-TYPE.pem"
        ),
    ] = None,
    label: Label = None,
    template: Annotated[
        str | None,
        typer.Option(help=f"A task, with the permissions it needs and no more: {', '.join(_TEMPLATES)}."),
    ] = None,
    permission: Permissions = None,
    ip: Ips = None,
    symbol: Symbols = None,
    expires: Expires = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key.

    An HMAC secret is shown once, here. Keys can read; `--permission trade` lets them trade.
    """
    with faults_shown(as_json=as_json):
        if template is not None and permission:
            raise ConfigurationError("give --template or --permission, not both")
        if (public_key is not None or out is not None) and kind is Kind.HMAC:
            raise ConfigurationError("an hmac key has no public key and no file: its secret is shown once")
        if public_key is not None and out is not None:
            raise ConfigurationError(
                "--out names the file of a pair made here; with --public-key nothing is made"
            )
        _must_say_when(expires)
        settings = read_settings(home=home)
        with administration(settings, "watchword testnet key create") as perform:
            made: Path | None = None
            pem = ""
            if public_key is not None:
                pem = _read_public(public_key)
            elif kind is not Kind.HMAC:
                made, pem = _make_pair(kind, out, account)
            try:
                key = perform(
                    ask.CreateKey(
                        account,
                        _TYPES[kind],
                        pem,
                        label or "",
                        permission or [],
                        ip or [],
                        symbol or [],
                        expires or "",
                        template or "",
                    )
                )
            except BaseException:
                if made is not None:
                    made.unlink(missing_ok=True)
                raise
        if made is not None:
            key = {**key, "private_key_file": str(made)}
        _show_new(key, as_json=as_json)


@app.command("list")
def list_keys(
    account: Annotated[str | None, typer.Option(help="Only this account's.")] = None,
    query: Query = "",
    state: Annotated[ask.KeyState | None, typer.Option(help="Only keys in this state.")] = None,
    kind: Annotated[Kind | None, typer.Option("--type", help="Only keys of this type.")] = None,
    permission: Annotated[str, typer.Option(help="Only keys with this grant.")] = "",
    sort: Annotated[ask.KeyOrder, typer.Option(help="What they are sorted by.")] = "created",
    descending: Descending = False,
    limit: Limit = None,
    cursor: Cursor = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """List API keys.

    Example: watchword testnet key list --query grid --sort last_used --descending --limit 20
    """
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, "watchword testnet key list") as perform:
            answer = perform(
                ask.ListKeys(
                    account or "",
                    query=query,
                    state=state,
                    key_type=_TYPES[kind] if kind else None,
                    permission=permission,
                    sort=sort,
                    descending=descending,
                    limit=limit,
                    cursor=cursor,
                )
            )
        if as_json:
            show_json(answer)
            return
        page = answer if isinstance(answer, dict) else {"keys": answer}
        keys = page["keys"]
        columns = (
            "account",
            "api_key",
            "key_type",
            "label",
            "permissions",
            "ips",
            "symbols",
            "expires",
            "ends",
        )
        show_table("", columns, [[key[column] for column in columns] for key in keys])
        say_where(len(keys), page.get("total"), page.get("next"))


@app.command()
def show(api_key: ApiKey, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show one API key; never its secret."""
    _one(ask.ShowKey(api_key), "show", home, as_json=as_json)


@app.command()
def edit(
    api_key: ApiKey,
    label: Label = None,
    permission: Annotated[
        list[str] | None, typer.Option(help="The new grants, all of them; repeat for more.")
    ] = None,
    ip: Ips = None,
    any_ip: Annotated[bool, typer.Option("--any-ip", help="Clear the IP list.")] = False,
    symbol: Symbols = None,
    any_symbol: Annotated[bool, typer.Option("--any-symbol", help="Clear the symbol list.")] = False,
    expires: Expires = None,
    never_expires: Annotated[bool, typer.Option("--never-expires", help="Clear the expiry.")] = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Change an API key; what is not given stays. It takes effect at the next request."""
    with faults_shown(as_json=as_json):
        for given, clear, name in (
            (ip, any_ip, "--ip"),
            (symbol, any_symbol, "--symbol"),
            (expires, never_expires, "--expires"),
        ):
            if given and clear:
                raise ConfigurationError(f"{name} cannot be given and cleared at once")
        _must_say_when(expires)
    request = ask.EditKey(
        api_key,
        label,
        permission or None,
        [] if any_ip else ip or None,
        [] if any_symbol else symbol or None,
        "" if never_expires else expires,
    )
    _one(request, "edit", home, as_json=as_json)


@app.command()
def delete(api_key: ApiKey, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Delete an API key for good; its sessions end at once."""
    _one(ask.DeleteKey(api_key), "delete", home, as_json=as_json)


def _one(request: ask.AnyRequest, verb: str, home: Path | None, *, as_json: bool) -> None:
    """Ask something about one key and print the key."""
    with faults_shown(as_json=as_json):
        settings = read_settings(home=home)
        home_must_exist(settings)
        with administration(settings, f"watchword testnet key {verb}") as perform:
            key: dict[str, Any] = perform(request)
        if as_json:
            show_json({**key, "deleted": True} if verb == "delete" else key)
            return
        if verb == "delete":
            say("Deleted:")
        show_fields(key)


def _show_new(key: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json({name: value for name, value in key.items() if value is not None or name == "expires"})
        return
    secret = key.pop("secret_key")
    if secret:
        shown = {"api_key": key.pop("api_key"), "secret_key": secret, **key}
        show_fields(shown)
        say("The secret is shown this once. Store it where only your bot can read it.")
    else:
        show_fields(key)


def _must_say_when(expires: str | None) -> None:
    """Refuse `--expires "$UNSET"`: it would quietly make a key that never expires."""
    if expires is not None and not expires.strip():
        raise ConfigurationError("--expires is empty; write a date, a span such as 30d, or leave it out")


def _read_public(path: Path) -> str:
    try:
        raw = path.read_bytes()[: PUBLIC_KEY_BYTES_MAX + 1]
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > PUBLIC_KEY_BYTES_MAX:
        raise ConfigurationError(f"{path} is far larger than any public key")
    return raw.decode("utf-8", "replace")


def _make_pair(kind: Kind, out: Path | None, account: str) -> tuple[Path, str]:
    """Make a pair and store its private half before anything is registered."""
    entropy = SystemEntropy()
    private = generate(_MADE[kind], entropy)
    path = out or _free_name(account, kind)
    write_new([(path, private.export(None, entropy))])
    return path.absolute(), private.public.pem()


def _free_name(account: str, kind: Kind) -> Path:
    stem = "".join(c if c.isalnum() else "-" for c in account) + f"-{kind}"
    names = [f"{stem}.pem", *(f"{stem}-{number}.pem" for number in range(2, 1000))]
    return next((Path(name) for name in names if not Path(name).exists()), Path(names[0]))
