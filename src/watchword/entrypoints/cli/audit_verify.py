"""`watchword audit verify`: proves a trail, alone and against what is kept elsewhere. Changes nothing."""

import re
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watchword.config import read_settings
from watchword.entrypoints.cli.output import EXIT_REFUSED, say, show_json
from watchword.entrypoints.cli.testnet_options import AsJson, HomeOption, faults_shown
from watchword.kernel.errors import ConfigurationError, CorruptStoreError

if TYPE_CHECKING:
    from watchword.audit.chain import Head
    from watchword.audit.trail import AuditReader
    from watchword.audit.verify import Finding, Report
    from watchword.credentials.keypair import PublicKey

#: How long rows may be on their way to one of two sinks while both are being written.
IN_FLIGHT_S_MAX: Final = 2.0
_POLL_S: Final = 0.1
_NOTED: Final = re.compile(r"([1-9][0-9]{0,17}):([0-9a-f]{8,64})")


def verify(
    against: Annotated[
        list[Path] | None,
        typer.Option(
            help="A copy in another place; rows missing or different on either side show. Repeatable."
        ),
    ] = None,
    expect: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ROW:DIGEST",
            help="A row noted earlier, with at least 8 digits of its digest. Repeatable.",
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(
            help="The trail's public key, kept elsewhere.", show_default="HOME/audit/checkpoint.pub"
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Prove this trail, for example the copy of a second sink.")
    ] = None,
    home: HomeOption = None,
    as_json: AsJson = False,
) -> None:
    """Prove that the trail is what was written, or name every row that is not.

    A chain alone shows rows that were altered, deleted, moved or inserted. Its
    signed checkpoints show rows that were recomputed. Only a copy, a public key
    or a row noted elsewhere shows what the owner of this disk could hide:
    a trail cut short, or replaced together with its key.

    Ends with status 1 where anything is wrong.
    """
    with faults_shown(as_json=as_json):
        report, findings, facts = _prove(
            read_settings(home=home).home, file, public_key, against or [], expect or []
        )
    good = not findings
    if as_json:
        shown = [{"row": one.row, "kind": one.kind, "text": one.text} for one in findings]
        show_json({**facts, "good": good, "found": max(report.found, len(findings)), "findings": shown})
    else:
        _say(facts, findings, report)
    if not good:
        raise typer.Exit(EXIT_REFUSED)


def _prove(
    home: Path, file: Path | None, public_key: Path | None, against: list[Path], expect: list[str]
) -> "tuple[Report, list[Finding], dict[str, Any]]":
    from watchword.adapters.audit.trail_files import open_reader
    from watchword.audit.chain import Head
    from watchword.audit.compare import compare
    from watchword.audit.search import unconcluded
    from watchword.audit.verify import Finding
    from watchword.audit.verify import verify as verify_rows
    from watchword.entrypoints.cli.audit_rows import find_reader, moment

    known = [_noted(text) for text in expect]
    reader, copies = find_reader(home, file), [open_reader(path) for path in against]
    upto = _settled([reader, *copies])
    key, key_path = _public_key(home, public_key)
    verifier = key.verifier() if key is not None else None
    findings: list[Finding] = []
    try:
        mark = reader.acknowledged()
        known += [mark] if mark is not None else []
    except CorruptStoreError as error:
        findings.append(Finding(0, "unreadable", str(error)))
    report = verify_rows(reader.lines_after(0), verifier, known)
    findings += report.findings
    named = {finding.row for finding in findings}
    for copy in copies:
        own = verify_rows(copy.lines_after(0), verifier)
        findings += [_in_copy(one, copy.place_name()) for one in own.findings]
        names = (reader.place_name(), copy.place_name())
        differing = compare(reader.lines_after(0), copy.lines_after(0), names, upto)
        findings += [one for one in differing if one.row not in named or one.kind == "missing"]
    findings.sort(key=lambda one: one.row)
    facts: dict[str, Any] = {
        "trail": reader.place_name(),
        "id": report.trail,
        "rows": report.rows,
        "last_row": report.head.row,
        "last_digest": (report.head if report.rows else Head()).digest.hex(),
        "last_time": moment(report.head.now_us),
        "checkpoints": report.checkpoints,
        "signed_row": report.signed_row,
        "public_key": key.fingerprint if key is not None else None,
        "public_key_from": str(key_path) if key is not None else None,
        "copies": [copy.place_name() for copy in copies],
        "unconcluded": sorted(unconcluded(reader.lines_after(max(report.head.row - 20_000, 0)))),
    }
    for opened in (reader, *copies):
        opened.close()
    return report, findings, facts


def _say(facts: dict[str, Any], findings: "list[Finding]", report: "Report") -> None:
    from watchword.entrypoints.cli.audit_rows import harmless

    say(f"trail         {facts['trail']}")
    say(f"rows          {facts['rows']}, the last is {facts['last_row']} of {facts['last_time']}")
    say(f"last digest   {facts['last_digest']}")
    if facts["public_key"] is None:
        say("checkpoints   not checked: there is no public key; name one with --public-key")
    else:
        tail = facts["last_row"] - facts["signed_row"] - 1
        since = f"; {tail} rows after it wait for theirs" if tail > 0 else ""
        say(
            f"checkpoints   {facts['checkpoints']} signed; the last vouches for rows up to {facts['signed_row']}{since}"
        )
        say(f"key           {facts['public_key']} from {facts['public_key_from']}")
    for copy in facts["copies"]:
        say(f"compared with {copy}")
    if facts["unconcluded"]:
        say(
            f"open          {len(facts['unconcluded'])} intents without a known outcome: rows {_some(facts['unconcluded'])}"
        )
    for finding in findings:
        say(harmless(f"  {finding.text}"))
    if report.found > len(report.findings):
        say(f"  … and {report.found - len(report.findings)} more")
    say(f"result        {'whole' if not findings else 'NOT WHOLE'}")


def _settled(readers: "list[AuditReader]") -> int:
    """Return the last row of all, once every reader has it or the time for rows on their way is over."""
    from watchword.audit.search import Filter, search

    def last(reader: "AuditReader") -> int:
        newest = next(search(reader.lines_back(), Filter()), None)
        return newest[0].number if newest is not None else 0

    upto = max(last(reader) for reader in readers)
    waited_s = 0.0
    while waited_s < IN_FLIGHT_S_MAX and len(readers) > 1 and any(last(reader) < upto for reader in readers):
        Event().wait(_POLL_S)
        waited_s += _POLL_S
    return upto


def _public_key(home: Path, given: Path | None) -> "tuple[PublicKey | None, Path]":
    from watchword.bootstrap.audit_trail import public_key_path, public_trail_key

    path = given or public_key_path(home)
    if given is None and not path.exists():
        return None, path
    return public_trail_key(path), path


def _noted(text: str) -> "Head":
    from watchword.audit.chain import Head

    match = _NOTED.fullmatch(text)
    if match is None or len(match[2]) % 2:
        raise ConfigurationError(f"{text!r}: write ROW:DIGEST with an even number of at least 8 hex digits")
    return Head(int(match[1]), bytes.fromhex(match[2]))


def _in_copy(finding: "Finding", place: str) -> "Finding":
    from watchword.audit.verify import Finding

    return Finding(finding.row, finding.kind, f"in {place}: {finding.text}")


def _some(rows: list[int]) -> str:
    shown = ", ".join(str(row) for row in rows[:10])
    return shown + (" …" if len(rows) > 10 else "")
