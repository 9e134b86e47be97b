"""How virtual keys are printed. A secret gets here once: that of a key just issued. Decides nothing."""

from typing import Any, Final

from watchword.entrypoints.cli.output import say, show_fields, show_json, show_table
from watchword.entrypoints.cli.paging_options import say_where

_SHOWN_KEY_LENGTH: Final = 12
_COLUMNS: Final = (
    "label", "id", "state", "ends_in", "credential", "type", "policy", "ips", "own_orders_only", "last_used", "parent",
)  # fmt: skip


def show_keys(answer: dict[str, Any], *, as_json: bool) -> None:
    """Print keys, one a line.

    Args:
        answer: Of `ListKeys`.
        as_json: Print JSON: the list, or with `total` and `next` where a page was asked for.
    """
    keys, total = answer["keys"], answer.get("total")
    if as_json:
        shown = [_without_policy(key) for key in keys]
        show_json(shown if total is None else {"keys": shown, "total": total, "next": answer.get("next")})
        return
    rows = [
        (
            key["label"], key["id"], key["state"], _left(key), key["credential_label"] or key["credential"],
            key["versions"][0]["key_type"].lower(), key["policy"], key["ips"] or "any", _yes(key["own_orders_only"]),
            key["last_used"] or "never", key["parent"],
        )
        for key in keys
    ]  # fmt: skip
    show_table("", _COLUMNS, rows)
    say_where(len(keys), total, answer.get("next"))


def show_key(key: dict[str, Any], *, as_json: bool) -> None:
    """Print one key whole, its policy last."""
    if as_json:
        show_json(key)
        return
    show_fields(_fields(key))
    for version in key["versions"]:
        ends = f", ends {version['ends']}" if version["ends"] else ""
        of = f" {version['fingerprint']}" if version["fingerprint"] else ""
        say(f"  {version['api_key']}  {version['key_type'].lower()}{of}  {version['state']}{ends}")
    if key["usage"] is not None:
        say("Used up:")
        show_fields(key["usage"])
    if key["policy_text"]:
        say("Policy:")
        say(key["policy_text"].rstrip("\n"))


def show_issued(answer: dict[str, Any], bot: dict[str, Any], *, as_json: bool) -> None:
    """Print a new key, with what the bot needs of it.

    Args:
        answer: Of `IssueKey` or `RollKey`.
        bot: `secret_key`, `secret_file`, `private_key` or `private_key_file`; what there is.
        as_json: Print JSON.
    """
    key = answer["key"]
    if as_json:
        show_json({"api_key": answer["api_key"], **bot, "key": _without_policy(key)})
        return
    private = bot.get("private_key", "")
    shown = {name: value for name, value in bot.items() if name != "private_key"}
    show_fields({"api_key": answer["api_key"], **shown, **_fields(key)})
    if private:
        say(private.rstrip("\n"))
    if private or "secret_key" in bot:
        say("This is shown once. Store it where only your bot can read it.")


def _fields(key: dict[str, Any]) -> dict[str, Any]:
    named = f"{key['credential_label']} ({key['credential']}), {key['upstream']}"
    return {
        "label": key["label"],
        "id": key["id"],
        "state": key["state"] + (f", ends in {key['ends_in']}" if key["ends_in"] else ""),
        "credential": named if key["credential_label"] else f"{key['credential']}, not in the vault",
        "policy": f"{key['policy']} (sha256 {key['policy_sha256'][:_SHOWN_KEY_LENGTH]}…)",
        "ips": key["ips"] or "any",
        "expires": key["expires"] or "never",
        "own orders only": _yes(key["own_orders_only"]),
        "weight per minute": key["weight_per_minute_max"] or "shared budget",
        "orders per 10 s": key["orders_per_10s_max"] or "shared budget",
        "parent": key["parent"],
        "children": key["children"],
        "created": key["created"],
        "revoked": key["revoked"],
        "last used": f"{key['last_used']} from {key['last_ip']}" if key["last_used"] else "never",
    }


def _without_policy(key: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in {"policy_text", "usage"}}


def _left(key: dict[str, Any]) -> str:
    return key["ends_in"] or ("never" if key["state"] == "works" else "")


def _yes(value: bool) -> str:
    return "yes" if value else "no"
