"""Power loss at any moment under load: what was acknowledged is on the disk, exactly once.

The server's writes and syncs are recorded, and from them the disks are built that a crash may
have left behind: see power_loss.py.
"""

import os
import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llmtrack.storage.maintenance import all_costs, all_problems
from llmtrack.storage.pending_sums import settle
from llmtrack.storage.writer import transaction

from .conftest import BINARY, LONG, Appliance
from .injection import Faults, Injection
from .power_loss import Kept, acknowledgement, crash_images, read_log
from .test_kill import Sender, end, wait_for

IMAGES = 1200 if LONG else 300
EVENTS = 1500 if LONG else 400
SEED = int(os.environ.get("FAULTS_SEED", "1"))


class Noting(Sender):
    """Notes each acknowledgement where the disk's writes are noted, after its 200."""

    def __init__(self, appliance: Appliance, key: str, name: str, journal: Path) -> None:
        super().__init__(appliance, key, name)
        self._journal = os.open(journal, os.O_WRONLY | os.O_APPEND)

    def acknowledge(self, call: str) -> None:
        super().acknowledge(call)
        os.write(self._journal, acknowledgement(call))


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is room: every image is written and opened."""
    shared = Path("/dev/shm")  # noqa: S108 - only as scratch
    directory = shared / f"{tmp_path.name}-{os.getpid()}" if shared.is_dir() else tmp_path / "image"
    directory.mkdir()
    yield directory
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()


def load(appliance: Appliance, injection: Injection, key: str) -> None:
    """Send until enough events were acknowledged."""
    senders = [Noting(appliance, key, f"s{number}", injection.journal) for number in range(4)]
    for sender in senders:
        sender.start()
    wait_for(senders, EVENTS)
    end(senders)


def opened(files: dict[str, bytes], workbench: Path) -> sqlite3.Connection:
    for path in workbench.iterdir():
        path.unlink()
    for name, content in files.items():
        (workbench / name).write_bytes(content)
    return sqlite3.connect(workbench / "llmtrack.db", isolation_level=None)


FEATURES = "select n.text from event e join name n on n.id = e.feature_id"
COUNTED = "select coalesce(sum(events), 0) from usage_quarter where kind = 0"


def hold_against(
    image: dict[str, bytes], promised: list[str], workbench: Path
) -> tuple[int, int, list[str]]:
    """How many promised events are missing, how many are there twice, and what is damaged."""
    with closing(opened(image, workbench)) as connection:
        with transaction(connection):
            settle(connection)  # as the next start does
        problems = all_problems(connection)
        stored = Counter(row[0] for row in connection.execute(FEATURES))
        costs, [counted] = all_costs(connection), connection.execute(COUNTED).fetchone()
        if costs.events_pico != costs.totals_pico or counted != stored.total():
            problems.append("the totals are not the sum of the events")
    missing = len(set(promised) - stored.keys())
    return missing, sum(count > 1 for count in stored.values()), problems


def examine(
    before: dict[str, bytes], injection: Injection, workbench: Path, count: int = IMAGES
) -> Counter[str]:
    entries = read_log(injection.journal)
    promised = [entry.content.decode() for entry in entries if entry.kind == "A"]
    found: Counter[str] = Counter()
    for image in crash_images(before, entries, count, random.Random(SEED)):  # noqa: S311
        missing, twice, problems = hold_against(
            image.files, promised[: image.acknowledged], workbench
        )
        found["images"] += 1
        found["lost"] += missing
        found["twice"] += twice
        found["damaged"] += bool(problems)
        found[f"kept {image.kept}"] += 1
    return found


def files_of(appliance: Appliance) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in appliance.data_dir.glob("llmtrack.db*")
        if not path.name.endswith("-shm")
    }


def check(found: Counter[str]) -> None:
    print(dict(found))  # noqa: T201 - the numbers for the table in docs/faults.md
    assert found["images"] == IMAGES
    assert min(found[f"kept {kept}"] for kept in Kept) >= IMAGES // 3
    assert (found["lost"], found["twice"], found["damaged"]) == (0, 0, 0)


@pytest.mark.parametrize("program", ["source", "binary"])
def test_no_crash_image_lacks_what_was_acknowledged(
    appliance: Appliance, injection: Injection, workbench: Path, program: str
) -> None:
    if program == "binary":
        if not BINARY.exists():
            pytest.skip("needs dist/llmtrack: make binary")
        appliance.program = [str(BINARY)]
    key = appliance.create_key()["key"]
    before = files_of(appliance)
    appliance.start()
    load(appliance, injection, key)
    assert appliance.stop() == 0

    check(examine(before, injection, workbench))


def test_a_sync_that_failed_loses_nothing_that_was_acknowledged(
    appliance: Appliance, injection: Injection, workbench: Path
) -> None:
    """Linux forgets what a failed sync was to write: the next good sync does not bring it."""
    key = appliance.create_key()["key"]
    before = files_of(appliance)
    appliance.start()
    injection.set(Faults(sync_per_mille=100))
    load(appliance, injection, key)
    assert injection.failures > 5
    injection.set(Faults())
    assert appliance.stop() == 0

    check(examine(before, injection, workbench))


def test_the_images_show_what_a_missing_sync_would_lose(
    appliance: Appliance, injection: Injection, workbench: Path
) -> None:
    """That this test can fail: the same log, with its syncs left out."""
    key = appliance.create_key()["key"]
    before = files_of(appliance)
    appliance.start()
    load(appliance, injection, key)
    appliance.stop()
    entries = [entry for entry in read_log(injection.journal) if entry.kind != "S"]
    promised = [entry.content.decode() for entry in entries if entry.kind == "A"]

    lost = 0
    for image in crash_images(before, entries, 9, random.Random(SEED)):  # noqa: S311
        if image.kept is Kept.NOTHING:
            found = hold_against(image.files, promised[: image.acknowledged], workbench)
            lost += found[0]
    assert lost > 0
