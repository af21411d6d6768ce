"""The disk guard: stops in time, gives up its ballast, starts again without flapping."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from llmtrack.services.disk_guard import DiskGuard, Room

MIB = 2**20


class Disk:
    """What the guard believes to be free."""

    def __init__(self) -> None:
        self.free = 1000 * MIB

    def __call__(self, _: object) -> SimpleNamespace:
        return SimpleNamespace(free=self.free)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(shutil, "disk_usage", made)
    return made


@pytest.fixture
def guard(tmp_path: Path) -> DiskGuard:
    return DiskGuard(tmp_path, warn_bytes=500 * MIB, stop_bytes=100 * MIB, ballast_bytes=MIB)


def test_it_warns_stops_and_starts_again_with_room_to_spare(guard: DiskGuard, disk: Disk) -> None:
    rooms = []
    for free in (1000, 400, 100, 99, 100, 101, 600):
        disk.free = free * MIB
        rooms.append(guard.look())

    assert rooms == [
        Room.OK,
        Room.LOW,
        Room.LOW,
        Room.FULL,
        Room.FULL,  # the ballast it has just given up is not room
        Room.LOW,
        Room.OK,
    ]


def test_the_ballast_is_real_and_given_up_when_full(guard: DiskGuard, disk: Disk) -> None:
    guard.look()
    assert guard.ballast.stat().st_blocks * 512 >= MIB
    assert guard.ballast.stat().st_mode & 0o777 == 0o600
    disk.free = 50 * MIB
    guard.look()
    assert not guard.ballast.exists()
    disk.free = 1000 * MIB
    guard.look()
    assert guard.ballast.exists()
