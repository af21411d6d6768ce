"""A disk that fails now and then, or takes no writes: no answer promises what is not stored."""

import errno
import json
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from .conftest import Appliance
from .injection import Faults, Injection
from .test_kill import end, started, wait_for

FAILURES = 30
EVENT = json.dumps({"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}).encode()


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(Faults(sync_per_mille=100), id="sync"),
        pytest.param(Faults(write_per_mille=50), id="write"),
        pytest.param(Faults(write_per_mille=50, error=errno.ENOSPC), id="no space"),
    ],
)
def test_what_failed_is_refused_and_what_was_acknowledged_is_there(
    appliance: Appliance, injection: Injection, faults: Faults
) -> None:
    appliance.start()
    senders = started(appliance)
    wait_for(senders, 20)
    injection.set(faults)
    deadline = time.monotonic() + 60
    while injection.failures < FAILURES:
        assert time.monotonic() < deadline, f"only {injection.failures} failures"
        time.sleep(0.05)
    injection.set(Faults())
    wait_for(senders, 20)  # it goes on by itself once the disk does
    acknowledged = end(senders)
    refused = {call: status for sender in senders for call, status in sender.refused.items()}
    assert appliance.stop() == 0

    stored = Counter(event["feature"] for event in appliance.events())
    assert refused
    assert set(refused.values()) <= {500, 503, 507}
    assert acknowledged == stored.keys(), "stored without an answer, or the other way round"
    assert set(stored.values()) == {1}
    assert "events cannot be stored" in appliance.log
    assert "events are stored again" in appliance.log
    appliance.run("check", "db", "data")


def test_a_disk_that_turns_read_only_is_told_and_recovered_from(
    appliance: Appliance, injection: Injection
) -> None:
    key = appliance.create_key()["key"]
    appliance.start()
    assert appliance.post(EVENT, {"x-api-key": key})[0] == 200
    injection.set(Faults(write_per_mille=1000, error=errno.EROFS))
    status, body = appliance.post(EVENT, {"x-api-key": key})
    assert status == 503, body
    assert len(appliance.events()) == 1, "reading goes on"
    injection.set(Faults())
    assert appliance.post(EVENT, {"x-api-key": key})[0] == 200


def test_a_read_only_file_system_is_refused_at_the_start(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a tmpfs")
    try:
        appliance = Appliance(disk)
        appliance.set_up()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        appliance.log_file = tmp_path / "server.log"
        assert appliance.launch().wait(60) == 77
        assert str(disk) in appliance.log
        assert "read-only" in appliance.log.lower()
        assert "Traceback" not in appliance.log
        listed = appliance.attempt("users", "list")
        assert (listed.returncode, "read-only now" in listed.stderr) == (77, True)
        appliance.run("backup", "create", "--out", str(tmp_path / "rescued.db"))
        appliance.run("backup", "verify", str(tmp_path / "rescued.db"))
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)
