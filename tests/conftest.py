"""What every test shares: the strict mode, and real testnet processes, one of each kind per xdist worker."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.examples import WHOLE
from tests.support.testnet_process import TestnetProcess

#: Set by the CI run: a skipped client, server or browser test is then a failure.
STRICT = os.environ.get("WATCHWORD_TEST_STRICT") == "1"
#: Folders whose tests need something outside the package: a client, a process, a browser.
OUTSIDE = ("tests/contract/", "tests/e2e/")


@pytest.hookimpl(wrapper=True)
def pytest_collection():  # type: ignore[no-untyped-def]
    """Keep the garbage collector from looking through ten thousand tests, while they are collected and ever after.

    Servers that tests start in this process freeze what is there and thaw it when they end; here it stays frozen.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        _freeze()
        gc.enable()
        gc.freeze = gc.unfreeze = _nothing


def _nothing() -> None:
    """Stand in for what must not happen."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> None:
    """At each file's first test, freeze what the files before it have imported: every server's start looks through the rest."""
    if item.path != _frozen_for.path:
        _frozen_for.path = item.path
        _freeze()


class _FrozenFor:
    """The file whose tests run."""

    path: Path | None = None


_frozen_for = _FrozenFor()
_really_freeze = gc.freeze


def _freeze() -> None:
    gc.collect()
    _really_freeze()


@pytest.fixture(scope="session")
def quiet_testnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestnetProcess]:
    """A testnet without market makers: only what tests place is in its books."""
    process = TestnetProcess.start(tmp_path_factory.mktemp("quiet") / "home", liquidity=False)
    yield process
    process.stop()


@pytest.fixture(scope="module")
def real_starts() -> Iterator[None]:
    """For modules that look at a process as a whole: theirs start from nothing, as a user's do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WHOLE, "1")
        yield


@pytest.fixture(scope="module")
def live_testnet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestnetProcess]:
    """A testnet with market makers and back-filled history."""
    process = TestnetProcess.start(tmp_path_factory.mktemp("live") / "home", liquidity=True)
    process.wait_for_quotes("BTCUSDT")
    yield process
    process.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    report = yield
    if STRICT and report.skipped and not hasattr(report, "wasxfail") and _needs_outside(item):
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector):  # type: ignore[no-untyped-def]
    report = yield
    if STRICT and report.outcome == "skipped" and _needs_outside(collector):
        _fail(report)
    return report


def _needs_outside(node: pytest.Item | pytest.Collector) -> bool:
    return node.get_closest_marker("client") is not None or node.nodeid.startswith(OUTSIDE)


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"skipped, and WATCHWORD_TEST_STRICT is set: {reason}"
