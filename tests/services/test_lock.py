"""One holder a data directory, and nobody left behind by kill -9."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from llmtrack.services.lock import LOCK_NAME, AlreadyRunning, DirectoryLock, Holder, holder_of

HOLD = """
import sys, time
from pathlib import Path
from llmtrack.services.lock import DirectoryLock
lock = DirectoryLock.take(Path(sys.argv[1]), "llmtrack serve")
lock.tell("http://127.0.0.1:8080")
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_holder_is_refused_and_told_who_the_first_is(tmp_path: Path) -> None:
    with DirectoryLock.take(tmp_path, "llmtrack serve") as lock:
        lock.tell("https://192.0.2.7:8443")

        with pytest.raises(AlreadyRunning) as refused:
            DirectoryLock.take(tmp_path, "llmtrack serve")

        assert f"llmtrack serve at https://192.0.2.7:8443, pid {os.getpid()}" in str(refused.value)


def test_it_is_free_after_its_release(tmp_path: Path) -> None:
    DirectoryLock.take(tmp_path, "a").release()

    assert holder_of(tmp_path) is None
    DirectoryLock.take(tmp_path, "b").release()


def test_looking_neither_takes_nor_needs_the_lock(tmp_path: Path) -> None:
    assert holder_of(tmp_path) is None  # not even a file

    with DirectoryLock.take(tmp_path, "llmtrack serve"):
        assert holder_of(tmp_path) == Holder(os.getpid(), "llmtrack serve", None)

    assert holder_of(tmp_path) is None


def test_a_lock_without_a_readable_text_still_holds(tmp_path: Path) -> None:
    with DirectoryLock.take(tmp_path, "llmtrack serve"):
        (tmp_path / LOCK_NAME).write_text("[1]")

        assert holder_of(tmp_path) == Holder(None, "another llmtrack process", None)


def test_kill_9_leaves_nothing_behind(tmp_path: Path) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    assert holder_of(tmp_path) == Holder(holder.pid, "llmtrack serve", "http://127.0.0.1:8080")

    holder.send_signal(signal.SIGKILL)
    holder.communicate()

    assert holder_of(tmp_path) is None
    DirectoryLock.take(tmp_path, "llmtrack serve").release()
