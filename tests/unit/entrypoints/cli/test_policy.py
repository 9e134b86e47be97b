"""The policy commands, as a user types them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watchword.entrypoints.cli.policy import app

RECIPES = Path(__file__).parents[4] / "docs/recipes/policies"
GRID = RECIPES / "grid-bot.yaml"
PLAN = RECIPES / "savings-plan.yaml"
BAD = "version: 1\nname: bad\npermissions: [read]\nmax_order: {USDT: lots}\n"
READ = "version: 1\nname: reader\npermissions: [read]\n"
FAILING = "version: 1\ntests: [{name: trades, request: order.cancel, params: {symbol: BTCUSDT, orderId: 1}, expect: allow}]\n"


def run(*arguments: str | Path) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_lint_takes_the_recipes_and_advises() -> None:
    code, output = run("lint", RECIPES)
    assert code == 0
    assert "grid-bot.yaml: fine" in output
    assert "advice: shadow" in output
    assert run("lint", "--strict", GRID)[0] == 0
    assert run("lint", "--strict", PLAN)[0] == 1


def test_lint_names_line_and_column(tmp_path: Path) -> None:
    path = write(tmp_path, "bad.yaml", BAD)
    code, output = run("lint", path)
    assert code == 1
    assert f"{path}: error: line 4, column 19: max_order.USDT" in output
    code, output = run("lint", "--json", path, GRID)
    assert code == 1
    files = json.loads(output)["files"]
    assert [file["ok"] for file in files] == [False, True]
    assert files[0]["errors"][0]["line"] == 4


def test_recipes_pass_their_own_tests() -> None:
    code, output = run("test", RECIPES)
    assert code == 0, output
    assert "0 failed" in output
    report = json.loads(run("test", "--json", GRID)[1])
    assert report["failed"] == 0
    assert report["passed"] == len(report["tests"]) > 10


def test_failing_test_shows_what_was_expected_and_got(tmp_path: Path) -> None:
    path = write(tmp_path, "reader.yml", READ)
    write(tmp_path, "reader.tests.yml", FAILING)
    code, output = run("test", tmp_path)
    assert code == 1
    assert "FAIL  reader.yml: trades" in output
    assert "expected allow, got permissions:" in output
    code, output = run("test", "--json", path)
    assert code == 1
    assert json.loads(output)["tests"][0]["passed"] is False


@pytest.mark.parametrize(
    ("tests", "said"), [(None, "has no tests"), ("version: 1\ntests: []", "at least one test")]
)
def test_policy_without_tests_is_a_failure(tmp_path: Path, tests: str | None, said: str) -> None:
    path = write(tmp_path, "reader.yaml", READ)
    if tests is not None:
        write(tmp_path, "reader.tests.yaml", tests)
    code, output = run("test", path)
    assert code == 1
    assert said in output
    assert run("test", write(tmp_path, "bad.yaml", BAD))[0] == 1


def test_explain_shows_every_rule_of_a_named_test() -> None:
    code, output = run("explain", PLAN, "--test", "a drain through the thin book")
    assert code == 0
    assert "denied by price_band" in output
    assert "95 is more than 2 % above the reference 1" in output
    code, output = run("explain", "--json", PLAN, "--test", "a drain through the thin book")
    report = json.loads(output)
    assert (report["decision"], report["rule"]) == ("deny", "price_band")
    assert report["values"] == {"side": "BUY", "price": "95", "reference": "1"}
    assert {entry["rule"]: entry["outcome"] for entry in report["rules"]}["max_order"] == "pass"


def test_explain_takes_a_request_and_what_it_meets(tmp_path: Path) -> None:
    given = write(tmp_path, "given.yaml", "markets: {BTCUSDT: {base: BTC, quote: USDT, median: 60000}}\n")
    params = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&price=59000&quantity=0.005"
    code, output = run("explain", GRID, "--request", "order.place", "--params", params, "--given", given)
    assert code == 0
    assert "grid-bot: allowed" in output
    report = json.loads(run("explain", "--json", GRID, "--request", "order.place", "--params", params)[1])
    assert report["rule"] == "price_band"
    allowed = json.loads(run("explain", "--json", GRID, "--request", "ping")[1])
    assert allowed["decision"] == "allow"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give --test NAME"),
        (("--test", "nothing like it"), "no test is called"),
        (("--request", "order.place", "--params", "a=%zz"), "Illegal characters"),
        (("--request", "order.place", "--given", "/nowhere/given.yaml"), "No such file"),
        (("--request", "order.place", "--given", str(GRID)), "there is no such key"),
    ],
)
def test_explain_says_what_is_missing(arguments: tuple[str, ...], said: str) -> None:
    code, output = run("explain", GRID, *arguments)
    assert code == 1
    assert said in output
    code, output = run("explain", "--json", GRID, *arguments)
    assert code == 1
    assert said in json.loads(output)["error"]


def test_diff_says_where_the_new_one_allows_more(tmp_path: Path) -> None:
    text = GRID.read_text(encoding="utf-8")
    child = write(tmp_path, "child.yaml", text.replace("max_order: {USDT: 500}", "max_order: {USDT: 400}"))
    code, output = run("diff", "--narrower", GRID, child)
    assert code == 0
    assert "400 USDT" in output
    assert run("diff", GRID, GRID)[1] == "the two allow the same\n"
    assert run("diff", "--narrower", child, GRID)[0] == 1
    assert run("diff", child, GRID)[0] == 0
    report = json.loads(run("diff", "--json", child, GRID)[1])
    assert report["narrower"] is False
    assert report["changes"][0]["rule"] == "max_order"
