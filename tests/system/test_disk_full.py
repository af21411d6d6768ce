"""A disk that is really full: events are refused in time, reading goes on, and it recovers."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Appliance

EVENT = json.dumps({"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}).encode()
DISK_MIB = 32


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, small enough to fill."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


def until(appliance: Appliance, key: str, status: int) -> None:
    deadline = time.monotonic() + 60
    while (found := appliance.post(EVENT, {"x-api-key": key})[0]) != status:
        assert time.monotonic() < deadline, f"still {found}, not {status}"
        time.sleep(0.2)


def test_events_are_refused_before_the_disk_is_full_and_taken_again_after(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("STOP_FREE", "8MiB"), ("WARN_FREE", "12MiB"), ("BALLAST", "2MiB")):
        monkeypatch.setenv(f"LLMTRACK_DISK_{name}", value)
    appliance = Appliance(disk)
    appliance.set_up()
    key = appliance.create_key()["key"]
    appliance.start()
    try:
        until(appliance, key, 200)
        filler = disk / "filler"
        filler.write_bytes(b"x" * (DISK_MIB - 10) * 2**20)
        until(appliance, key, 507)
        assert not (appliance.data_dir / "ballast").exists()
        refused = len(appliance.events())
        assert appliance.post(EVENT, {"x-api-key": key})[0] == 507
        assert len(appliance.events()) == refused, "reading goes on, and nothing was stored"
        filler.unlink()
        until(appliance, key, 200)
        assert len(appliance.events()) == refused + 1
    finally:
        assert appliance.stop() == 0
