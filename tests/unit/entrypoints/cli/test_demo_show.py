"""What `make up` prints: the stranger's link once, and afterwards only where to sign in."""

from pathlib import Path

import pytest

from watchword.entrypoints.cli.demo_show import show_places

GATEWAY = {
    "rest": "http://127.0.0.1:7",
    "streams": "ws://127.0.0.1:7",
    "ws_api": "ws://127.0.0.1:7/ws-api/v3",
}
TESTNET = {"rest": "http://127.0.0.1:8"}
ORIGIN = "http://localhost:9"


@pytest.mark.parametrize(
    ("enrolment", "told"),
    [
        ("wwe_abc", ["Open this in a browser first", f"  {ORIGIN}/set-up#token=wwe_abc\n", 'you sign in as "owner" at']),
        ("", ["Open the console in a browser and sign in", f"  {ORIGIN}\n"]),
    ],
)  # fmt: skip
def test_what_to_open_is_said_last_before_the_bot_talks(
    enrolment: str, told: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_places(GATEWAY, TESTNET, tmp_path, (ORIGIN, enrolment))
    printed = capsys.readouterr().out
    last = printed[printed.index("python-binance:") :]
    assert [last.index(words) for words in told] == sorted(last.index(words) for words in told)
    assert ("set-up" in printed) == bool(enrolment)
    assert printed.endswith("Ctrl-C stops everything. The bot's doings:\n")
    assert "http://127.0.0.1:7/api" in printed
