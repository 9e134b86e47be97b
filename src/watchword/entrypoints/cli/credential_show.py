"""How credentials and checks are printed. There is no secret in what it gets. Decides nothing."""

from typing import TYPE_CHECKING, Any, Final

from watchword.entrypoints.cli.output import say, show_fields, show_json, show_table

if TYPE_CHECKING:
    from watchword.bootstrap.vault_view import Listed
    from watchword.vault.record import RealCredential

_SHOWN_KEY_LENGTH: Final = 8
_PROTECTIONS: Final = ("core_dumps_off", "not_dumpable", "memory_locked")


def show_credential(record: "RealCredential | dict[str, Any]", state: str, *, as_json: bool) -> None:
    """Print one credential.

    Args:
        record: As read, or as the vault's process answered.
        state: See `Listed`.
        as_json: Print JSON.
    """
    import msgspec

    fields: dict[str, Any] = record if isinstance(record, dict) else msgspec.to_builtins(record)
    whole = {name: value for name, value in fields.items() if name != "created_us"}
    whole |= {
        "permissions": list(fields["permissions"]),
        "created": moment(fields["created_us"]),
        "state": state,
    }
    if as_json:
        show_json(whole)
    else:
        show_fields(whole)


def show_list(found: "list[Listed]", *, as_json: bool) -> None:
    """Print credentials, one a line."""
    import msgspec

    if as_json:
        show_json([{**msgspec.to_builtins(one.record), "state": one.state} for one in found])
        return
    rows = [
        (
            one.record.label,
            one.record.id,
            one.record.upstream,
            one.record.key_type,
            one.record.api_key[:_SHOWN_KEY_LENGTH] + "…" if one.record.api_key else "not registered",
            one.state,
        )
        for one in found
    ]
    show_table("", ("label", "id", "upstream", "type", "api_key", "state"), rows)


def show_status(answer: dict[str, Any]) -> None:
    """Print how the vault and its process are, for people."""
    vault = answer["vault"]
    fields: dict[str, Any] = {"sealed": "yes" if answer["sealed"] else "no"}
    if answer["held"]:
        off = [name.replace("_", " ") for name in _PROTECTIONS if not answer[name]]
        fields["held by"] = f"process {answer['pid']}"
        fields["protected"] = "not everywhere: " + "; ".join(answer["notes"]) if off else "yes"
    else:
        fields["held by"] = "nobody"
    if vault is None:
        show_fields({**fields, "vault": "none; make one with: watchword vault init"})
        return
    settings = ", ".join(
        f"{name} {value}" for name, value in vault["kek"]["settings"].items() if name != "salt"
    )
    kept = vault["recovery"]
    fields["opens with"] = vault["kek"]["kind"] + (f" ({settings})" if settings else "")
    if vault["kek"]["demo"]:
        fields["demo"] = "yes: live credentials are refused"
    fields["recovery shares"] = (
        f"{kept['threshold']} of {kept['count']} (set {kept['set_id']})" if kept else "none"
    )
    fields |= {name: vault[name] for name in ("credentials", "virtual_keys", "waiting")}
    if vault["rewrapping"]:
        fields["rewrapping"] = "was interrupted; the next unseal finishes it"
    show_fields({**fields, "created": moment(vault["created_us"]), "vault id": vault["vault_id"]})
    for secret_id, reason in vault["refused"]:
        say(f"  not taken in: {secret_id}: {reason}")


def show_check(report: dict[str, Any], *, as_json: bool) -> None:
    """Print what a check found."""
    if as_json:
        show_json(report)
        return
    asked = {True: "yes", False: "no", None: "could not be asked"}
    show_fields(
        {
            "credential": f"{report['label']} ({report['id']}), {report['upstream']}",
            "accepted by the exchange": asked[report["accepted"]],
            "may": report["permissions"],
            "only from listed addresses": asked[report["ip_restricted"]] if report["accepted"] else None,
            "withdrawals": {True: "ON", False: "off", None: None}[report["withdrawals"]],
            "clock offset ms": report["clock_offset_ms"],
            "days until deletion": report["days_until_deletion"],
            "days until expiry": report["days_until_expiry"],
        }
    )
    for finding in report["findings"]:
        say(f"  {finding}")


def moment(at_us: int) -> str:
    """Write epoch microseconds as a date and time in UTC."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
