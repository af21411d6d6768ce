"""A disk and a clock that do what the test says: `disk.c`, compiled and put before a process."""

import errno
import mmap
import shutil
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).with_name("disk.c")
_CONTROL = struct.Struct("<iiiiqqq")


class Faults(NamedTuple):
    """What the disk and the clock do from now on; the order is that of `struct control`."""

    sync_per_mille: int = 0
    write_per_mille: int = 0
    error: int = errno.EIO
    sync_delay_ms: int = 0
    clock_ms: int = 0
    kill_after: int = 0


def compiled(directory: Path) -> Path:
    """The library, built once for a directory."""
    library = directory / "disk.so"
    if not library.exists():
        compiler = shutil.which("gcc") or pytest.skip("needs a C compiler: apt install gcc")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
        subprocess.run([*command, "-ldl", "-lpthread"], check=True)
    return library


class Injection:
    """Stands between one process, started with `environment`, and a database's files."""

    def __init__(self, library: Path, directory: Path, database: Path) -> None:
        self.journal = directory / "disk.log"
        self.journal.touch()
        control = directory / "disk.control"
        control.write_bytes(bytes(_CONTROL.size))
        with control.open("r+b") as file:
            self._control = mmap.mmap(file.fileno(), _CONTROL.size)
        self.environment = {
            "LD_PRELOAD": str(library),
            "DISK_FILES": str(database),
            "DISK_LOG": str(self.journal),
            "DISK_CONTROL": str(control),
        }

    def set(self, faults: Faults) -> None:
        self._control[:] = _CONTROL.pack(*faults, self.failures)

    @property
    def failures(self) -> int:
        """How many writes and syncs have been made to fail so far."""
        return int(_CONTROL.unpack(self._control)[-1])
