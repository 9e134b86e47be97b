"""The moveable clock: forward, bounded, and still moved after a restart."""

import json
import stat
from pathlib import Path

import pytest

from watchword.adapters.moveable_clock import DAY_US, OFFSET_US_MAX, MoveableClock
from watchword.kernel.errors import CorruptStoreError, StorageError
from watchword.storage.private_files import write_atomically

NOW_US = 1_795_000_000_000_000


class Machine:
    def now_us(self) -> int:
        return NOW_US


def opened(path: Path) -> MoveableClock:
    return MoveableClock.open(Machine(), path, write_atomically)


def test_clock_that_was_never_moved_is_the_machines(tmp_path: Path) -> None:
    assert opened(tmp_path / "clock.json").now_us() == NOW_US
    assert not (tmp_path / "clock.json").exists()


def test_move_survives_and_adds_up_and_leaves_the_machine_alone(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    opened(path).move(30 * DAY_US)
    again = opened(path)
    assert again.now_us() == NOW_US + 30 * DAY_US
    again.move(1)
    assert opened(path).now_us() == NOW_US + 30 * DAY_US + 1
    assert again.machine.now_us() == NOW_US
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("by_us", [0, -1, OFFSET_US_MAX + 1])
def test_clock_moves_neither_back_nor_too_far(tmp_path: Path, by_us: int) -> None:
    clock = opened(tmp_path / "clock.json")
    with pytest.raises(ValueError, match="forward"):
        clock.move(by_us)
    assert clock.now_us() == NOW_US


def test_ten_years_is_the_end_of_it(tmp_path: Path) -> None:
    clock = opened(tmp_path / "clock.json")
    clock.move(OFFSET_US_MAX)
    assert clock.room_us() == 0
    with pytest.raises(ValueError, match="ten years"):
        clock.move(1)


def test_move_that_could_not_be_stored_has_not_happened(tmp_path: Path) -> None:
    def full(_path: Path, _content: bytes) -> None:
        raise StorageError("disk full")

    clock = MoveableClock.open(Machine(), tmp_path / "clock.json", full)
    with pytest.raises(StorageError):
        clock.move(DAY_US)
    assert clock.now_us() == NOW_US


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"7",
        b"{}",
        b'{"version": 2, "offset_us": 0}',
        b'{"version": 1, "offset_us": -1}',
        b'{"version": 1, "offset_us": 1.5}',
        b'{"version": 1, "offset_us": true}',
        json.dumps({"version": 1, "offset_us": OFFSET_US_MAX + 1}).encode(),
        b"\xff\xfe",
    ],
)
def test_damaged_file_is_named_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clock.json"
    path.write_bytes(content)
    with pytest.raises(CorruptStoreError, match=r"clock\.json"):
        opened(path)
    assert path.read_bytes() == content
