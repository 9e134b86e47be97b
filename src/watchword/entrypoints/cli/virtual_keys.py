"""`watchword key issue|list|show|edit|roll|revoke`: virtual keys. Only parses, asks and prints.

A private key made here goes to its file, or to the screen once; the gateway sees the public half.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from watchword.config import home_folder
from watchword.entrypoints.cli.output import say, show_json
from watchword.entrypoints.cli.paging_options import Cursor, Descending, Limit, Query
from watchword.entrypoints.cli.vault_client import AsJson, HomeOption, faults_shown
from watchword.entrypoints.cli.virtual_keys_client import Ask, administration, look
from watchword.entrypoints.cli.virtual_keys_pair import (
    TYPES,
    KindOption,
    Pair,
    Wanted,
    make_or_read,
    write_secret,
)
from watchword.entrypoints.cli.virtual_keys_show import show_issued, show_key, show_keys
from watchword.entrypoints.gateway.admin import requests as wire
from watchword.kernel.errors import ConfigurationError

Reference = Annotated[
    str,
    typer.Argument(metavar="KEY", help="Its label, its id or an API key of it, or a beginning of these two."),
]
Ips = Annotated[
    list[str] | None, typer.Option("--ip", help="Address or range it works from; repeat for more.")
]
Expires = Annotated[
    str | None, typer.Option(help="2027-01-31, 2027-01-31T12:00:00Z or a span such as 30d, 12h.")
]
Policy = Annotated[
    Path | None, typer.Option("--policy", help="Policy file; what is enforced is its text now.")
]
OwnOrders = Annotated[
    bool | None,
    typer.Option(
        "--own-orders-only/--all-orders",
        help="Whether it sees and cancels only orders it placed.",
        show_default="own orders only",
    ),
]
Weight = Annotated[
    int | None,
    typer.Option("--weight-per-minute", min=0, help="Request weight it may use; 0: the shared budget."),
]
Orders = Annotated[
    int | None, typer.Option("--orders-per-10s", min=0, help="Orders in ten seconds; 0: the shared budget.")
]
PublicKey = Annotated[Path | None, typer.Option(help="Public key file of a pair the bot has already.")]
Out = Annotated[
    Path | None,
    typer.Option(
        help="New file (0600) for the private key, or for the hmac secret instead of showing it.",
        show_default="./LABEL-TYPE.pem",
    ),
]
PrintKey = Annotated[bool, typer.Option("--print-key", help="Print the private key once; write no file.")]


def issue(
    label: Annotated[str, typer.Option(help="What you call it; unique.")],
    credential: Annotated[
        str, typer.Option(help="The real credential that signs for it: label, id, or a beginning of the id.")
    ] = "",
    policy: Policy = None,
    kind: Annotated[
        KindOption, typer.Option("--type", help="hmac for bots that know nothing else.")
    ] = KindOption.ED25519,
    ip: Ips = None,
    expires: Expires = None,
    parent: Annotated[
        str, typer.Option(help="Virtual key to narrow: what is not given is as the parent has it.")
    ] = "",
    own_orders_only: OwnOrders = None,
    weight_per_minute: Weight = None,
    orders_per_10s: Orders = None,
    public_key: PublicKey = None,
    out: Out = None,
    print_key: PrintKey = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Issue a virtual key: works only at the gateway, only within its policy.

    An ed25519 or rsa pair is made here and only its public half leaves this
    process. An hmac secret is made by the running gateway, kept in the vault,
    and shown once.

    Example: watchword key issue --credential main --policy grid.yaml --label grid-bot --expires 90d
    """
    with faults_shown(as_json=as_json):
        if not parent and (not credential or policy is None):
            raise ConfigurationError("give --credential and --policy, or --parent")
        must_say_when(expires)
        request = wire.IssueKey(
            label=label,
            key_type=TYPES[kind],
            credential=credential,
            policy=read_policy_file(policy) or "",
            ips=ip or None,
            expires=expires,
            parent=parent,
            own_orders_only=own_orders_only,
            weight_per_minute_max=weight_per_minute,
            orders_per_10s_max=orders_per_10s,
        )
        wanted = Wanted(kind, label, public_key, out, print_key)
        with administration(home_folder(home), "watchword key issue") as ask:
            answer, bot = issued(ask, request, wanted)
        show_issued(answer, bot, as_json=as_json)


def list_keys(
    revoked: Annotated[bool, typer.Option("--revoked", help="Revoked ones as well.")] = False,
    query: Query = "",
    state: Annotated[wire.KeyState | None, typer.Option(help="Only keys in this state.")] = None,
    kind: Annotated[KindOption | None, typer.Option("--type", help="Only keys of this type.")] = None,
    credential: Annotated[str, typer.Option(help="Only this real credential's, by label or id.")] = "",
    sort: Annotated[wire.KeyOrder, typer.Option(help="What they are sorted by.")] = "created",
    descending: Descending = False,
    limit: Limit = None,
    cursor: Cursor = "",
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """List virtual keys with their state and how long they last.

    Example: watchword key list --query grid --sort last_used --descending --limit 20
    """
    with faults_shown(as_json=as_json):
        request = wire.ListKeys(
            revoked,
            query=query,
            state=state,
            key_type=TYPES[kind] if kind else None,
            credential=credential,
            sort=sort,
            descending=descending,
            limit=limit,
            cursor=cursor,
        )
        show_keys(look(home_folder(home), request), as_json=as_json)


def show(reference: Reference, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Show one virtual key: policy, restrictions, versions, last use, what it used up today; never a secret."""
    with faults_shown(as_json=as_json):
        show_key(look(home_folder(home), wire.ShowKey(reference)), as_json=as_json)


def edit(
    reference: Reference,
    label: Annotated[str | None, typer.Option(help="What you call it.")] = None,
    policy: Policy = None,
    ip: Ips = None,
    any_ip: Annotated[bool, typer.Option("--any-ip", help="Clear the IP list.")] = False,
    expires: Expires = None,
    never_expires: Annotated[bool, typer.Option("--never-expires", help="Clear the expiry.")] = False,
    own_orders_only: OwnOrders = None,
    weight_per_minute: Weight = None,
    orders_per_10s: Orders = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Change a virtual key; what is not given stays. It takes effect at the next request, for its children too."""
    with faults_shown(as_json=as_json):
        for given, clear, name in ((ip, any_ip, "--ip"), (expires, never_expires, "--expires")):
            if given and clear:
                raise ConfigurationError(f"{name} cannot be given and cleared at once")
        must_say_when(expires)
        request = wire.EditKey(
            key=reference,
            label=label,
            policy=read_policy_file(policy),
            ips=[] if any_ip else ip or None,
            expires="" if never_expires else expires,
            own_orders_only=own_orders_only,
            weight_per_minute_max=weight_per_minute,
            orders_per_10s_max=orders_per_10s,
        )
        with administration(home_folder(home), "watchword key edit") as ask:
            changed = ask(request)
        show_key(changed, as_json=as_json)


def roll(
    reference: Reference,
    overlap: Annotated[
        str, typer.Option(help="How long the old version still works: 1h, 30m; 0s ends it now.")
    ] = "1h",
    kind: Annotated[
        KindOption | None, typer.Option("--type", help="Of the new version.", show_default="as before")
    ] = None,
    public_key: PublicKey = None,
    out: Out = None,
    print_key: PrintKey = False,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Give a virtual key a new version; the old one ends after the overlap. Policy, usage and orders stay.

    Example: watchword key roll grid-bot --overlap 1h
    """
    with faults_shown(as_json=as_json):
        folder = home_folder(home)
        now = look(folder, wire.ShowKey(reference))
        chosen = kind or KindOption(now["versions"][0]["key_type"].lower())
        request = wire.RollKey(key=now["id"], overlap=overlap, key_type=TYPES[chosen])
        wanted = Wanted(chosen, now["label"], public_key, out, print_key)
        with administration(folder, "watchword key roll") as ask:
            answer, bot = issued(ask, request, wanted)
        show_issued(answer, bot, as_json=as_json)


def revoke(reference: Reference, home: HomeOption = None, as_json: AsJson = False) -> None:
    """Revoke a virtual key for good, and all that descend from it: their next request fails, their sessions end."""
    with faults_shown(as_json=as_json):
        with administration(home_folder(home), "watchword key revoke") as ask:
            keys: list[dict[str, Any]] = ask(wire.RevokeKey(reference))["keys"]
        if as_json:
            show_json({"revoked": [key["id"] for key in keys]})
            return
        for key in keys:
            say(f"Revoked {key['label']} ({key['id']}).")


def mount(group: typer.Typer) -> None:
    """Add the commands to `watchword key`."""
    group.command("issue")(issue)
    group.command("list")(list_keys)
    group.command("show")(show)
    group.command("edit")(edit)
    group.command("roll")(roll)
    group.command("revoke")(revoke)


def issued(
    ask: Ask, request: wire.IssueKey | wire.RollKey, wanted: Wanted
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make the bot's half, have the key issued, and leave nothing behind if it is not.

    Returns:
        The answer, and what the bot needs: see `show_issued`.

    Raises:
        KeyRefusedError: It was not issued.
        ConfigurationError: A file cannot be used; nothing was issued.
    """
    import msgspec

    pair = make_or_read(wanted)
    try:
        answer = ask(msgspec.structs.replace(request, public_key=pair.public))
    except BaseException:
        pair.drop()
        raise
    return answer, _for_bot(pair, wanted, str(answer.pop("secret_key")))


def _for_bot(pair: Pair, wanted: Wanted, secret: str) -> dict[str, Any]:
    if pair.file is not None:
        return {"private_key_file": str(pair.file)}
    if pair.private:
        return {"private_key": pair.private}
    if not secret:
        return {}
    if wanted.out is None:
        return {"secret_key": secret}
    try:
        return {"secret_file": str(write_secret(wanted.out, secret))}
    except ConfigurationError:
        # The key exists by now, and nobody else has its secret.
        return {"secret_key": secret}


def read_policy_file(path: Path | None) -> str | None:
    """Read a policy file's text; None for none."""
    from watchword.adapters.policy_files import read_file

    return None if path is None else read_file(path)


def must_say_when(expires: str | None) -> None:
    """Refuse `--expires "$UNSET"`: it would quietly make a key that never expires."""
    if expires is not None and not expires.strip():
        raise ConfigurationError("--expires is empty; write a date, a span such as 30d, or leave it out")
