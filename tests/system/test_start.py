"""A start that takes its time: systemd hears how far it is and waits, and SIGTERM ends it well."""

import gzip
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llmtrack.storage.schema import MIGRATIONS

from .conftest import READY_S, Appliance
from .injection import Faults, Injection

OLDEST = min((Path(__file__).parents[1] / "golden" / "databases").glob("*.db.gz"))
SLOW = Faults(sync_delay_ms=100)


class Supervisor:
    """The socket that systemd would have given to the process."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.settimeout(READY_S)
        self.lines: list[str] = []

    def hear_until(self, start: str) -> str:
        """Everything up to a line that begins so."""
        while True:
            said = self._socket.recv(4096).decode().splitlines()
            self.lines += said
            for line in said:
                if line.startswith(start):
                    return line

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def supervisor(appliance: Appliance, tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path / "notify")
    appliance.environment["NOTIFY_SOCKET"] = str(tmp_path / "notify")
    yield made
    made.close()


@pytest.fixture
def old_database(appliance: Appliance) -> Path:
    """Of an earlier schema, instead of the one that setup has made."""
    path = appliance.data_dir / "llmtrack.db"
    path.write_bytes(gzip.decompress(OLDEST.read_bytes()))
    return path


def schema_of(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
        return int(connection.execute("pragma user_version").fetchone()[0])


def test_the_supervisor_hears_of_every_step_of_an_upgrade_and_gives_it_time(
    appliance: Appliance, supervisor: Supervisor, old_database: Path
) -> None:
    steps = len(MIGRATIONS) - schema_of(old_database)
    appliance.environment |= {"WATCHDOG_USEC": "600000"}
    appliance.launch()
    supervisor.hear_until("READY=1")

    told = [line for line in supervisor.lines if "upgrading" in line]
    assert told == [
        f"STATUS=upgrading the database: step {step} of {steps}"
        f" (schema {len(MIGRATIONS) - steps + step})"
        for step in range(1, steps + 1)
    ]
    backing_up = supervisor.lines.index("STATUS=backing up before the upgrade of the database")
    assert supervisor.lines.index("EXTEND_TIMEOUT_USEC=30000000") < supervisor.lines.index(told[0])
    assert backing_up < supervisor.lines.index(told[0])
    supervisor.hear_until("WATCHDOG=1")
    assert appliance.stop() == 0
    supervisor.hear_until("STOPPING=1")
    assert f"Upgraded the database to schema {len(MIGRATIONS)}" in appliance.log


def test_sigterm_in_an_upgrade_ends_it_with_0_and_the_next_start_goes_on(
    appliance: Appliance, supervisor: Supervisor, old_database: Path, injection: Injection
) -> None:
    first = schema_of(old_database)
    injection.set(SLOW)
    process = appliance.launch()
    supervisor.hear_until("STATUS=upgrading the database: step 2 ")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGTERM)  # as the one-file binary's parent does
    assert process.wait(READY_S) == 0
    assert "Stopped before it was ready." in appliance.log
    assert "Traceback" not in appliance.log
    assert first < schema_of(old_database) < len(MIGRATIONS)

    injection.set(Faults())
    appliance.start()
    assert appliance.stop() == 0
    assert schema_of(old_database) == len(MIGRATIONS)


def catches_sigterm(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGTERM - 1))


@pytest.mark.parametrize("delay_ms", [0, 30, 100, 200, 400, 800])
def test_sigterm_at_any_moment_before_it_is_ready_is_a_good_end(
    appliance: Appliance, delay_ms: int
) -> None:
    process = appliance.launch()
    while not catches_sigterm(process.pid):
        assert process.poll() is None
        time.sleep(0.002)
    time.sleep(delay_ms / 1000)
    process.send_signal(signal.SIGTERM)
    assert process.wait(READY_S) == 0
    assert "Traceback" not in appliance.log
    appliance.start()
    assert appliance.stop() == 0
