"""The house's rules, read off the source: sizes, floats, secrets, signatures, layers."""

import ast
import functools
import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "watchword"
MODULES = sorted(SOURCE.rglob("*.py"))
TESTED = MODULES + sorted((ROOT / "tests").rglob("*.py")) + sorted((ROOT / "bench").rglob("*.py"))

MODULE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70

#: The only modules that may look inside a Secret. A new name here is a decision, not an exception.
REVEALERS = {
    "kernel/secret.py",
    "credentials/signer.py",
    "credentials/verifier.py",
    "credentials/keypair.py",
    "credentials/pem.py",
    "accounts/passwords.py",
    "accounts/totp.py",
    "storage/sealed_cells.py",
    "adapters/accounts/database.py",  # the address of a PostgreSQL server has its password in it
    "adapters/messages/smtp.py",  # the mail server's password, on its way there
    "adapters/messages/sms_http.py",  # the headers that let us use an SMS provider
    "entrypoints/vault/requests.py",  # the passphrase, on its way over the socket of the same user
    "entrypoints/cli/management_client.py",  # the API token, on its way into the header
}
#: Folders that exist to handle plaintext: the vault, and the sources of its key-encryption key.
REVEALING_FOLDERS = ("vault/", "adapters/kek/")
#: Where a float would lose money.
FLOATLESS = ("exchange/ledger.py", "exchange/book.py", "exchange/matching.py", "exchange/engine.py",
    "exchange/risk.py", "exchange/order_lists.py", "exchange/stops.py", "exchange/order.py",
    "exchange/commands.py", "exchange/events.py", "exchange/snapshot.py", "kernel/units.py",
    "policy/case.py", "policy/fields.py", "policy/references.py", "policy/usage.py", "policy/rules/price_band.py",
    "policy/rules/spending.py", "policy/rules/max_order.py", "policy/rules/max_position.py",
    "policy/rules/withdrawals.py")  # fmt: skip
#: Names that a house with clear subjects does not need.
EMPTY_NAMES = ("utils", "util", "helper", "helpers", "manager", "common", "misc", "data", "info")
#: Values whose comparison must take the same time whatever they hold. A checksum of stored bytes is not one.
_GUARDED_WORDS = {"signature", "mac", "hmac", "secret", "passphrase", "password", "token"}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def _tree(path: Path) -> ast.Module:
    # Python 3.11 calls a tree too deep when garbage that was collected meanwhile ran code of its own.
    gc.disable()
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


# One test per rule, not one per rule and file: two thousand tests cost more to collect than to run.


def test_modules_and_functions_stay_within_size() -> None:
    long = [
        f"{_name(path)}: {lines} lines"
        for path in TESTED
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MODULE_LINES_MAX
    ]
    long += [
        f"{_name(path)}:{node.lineno} {node.name}: {lines} lines"
        for path in TESTED
        for node in _functions(path)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert long == []


def test_modules_say_their_job() -> None:
    silent = [_name(path) for path in MODULES if _tree(path).body and not ast.get_docstring(_tree(path))]
    assert silent == []
    assert [_name(path) for path in MODULES if path.stem in EMPTY_NAMES] == []


@pytest.mark.parametrize("name", FLOATLESS)
def test_money_never_touches_float(name: str) -> None:
    path = SOURCE / name
    for node in ast.walk(_tree(path)):
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), node.lineno
        assert not (isinstance(node, ast.Name) and node.id == "float"), node.lineno
        assert not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)), (
            f"line {node.lineno}: use //"
        )


def test_secrets_are_revealed_only_where_they_work() -> None:
    revealing = [
        f"{_name(path)}:{node.lineno}"
        for path in MODULES
        if (name := path.relative_to(SOURCE).as_posix()) not in REVEALERS
        and not name.startswith(REVEALING_FOLDERS)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute) and node.attr == "reveal"
    ]
    assert revealing == []


def test_signatures_are_never_compared_with_equals() -> None:
    compared = [
        f"{_name(path)}:{node.lineno} {ast.unparse(node)}"
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Compare) and _compares_a_guarded_value(node)
    ]
    assert compared == []


def _compares_a_guarded_value(node: ast.Compare) -> bool:
    if not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
        return False
    # Comparing with a constant or a length is about presence, not about the secret value.
    sides = [node.left, *node.comparators]
    names = {ast.unparse(side) for side in sides if not isinstance(side, ast.Constant)}
    return len(names) > 1 and any(
        not name.startswith("len(") and not name.endswith("_id")
        and _GUARDED_WORDS & set(re.split(r"[^a-z]+", name))
        for name in names
    )  # fmt: skip


def test_layers_hold() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout[-3000:]
