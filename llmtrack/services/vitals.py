"""How the server is: what a probe, a metrics scraper and `llmtrack status` want to know."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from llmtrack import __version__
from llmtrack.services.disk_guard import DiskGuard, Room
from llmtrack.services.proxies import Network, TrustedProxies
from llmtrack.services.size_limit import SizeLimit
from llmtrack.storage.database import Database
from llmtrack.storage.engine import sqlite_version
from llmtrack.storage.job_states import job_states

Labels = tuple[tuple[str, str], ...]


class Sample(NamedTuple):
    """One number; `name` without the prefix `llmtrack_`."""

    name: str
    kind: str
    help: str
    value: float
    labels: Labels = ()


class MetricsAccess(NamedTuple):
    """Who may read the metrics: a bearer token, or networks. Neither: they are off."""

    token: str = ""
    networks: tuple[Network, ...] = ()

    @property
    def is_on(self) -> bool:
        return bool(self.token or self.networks)

    def allows(self, address: str | None) -> bool:
        return TrustedProxies(self.networks).trusts(address)


class Vitals:
    """Collected for the life of a server."""

    def __init__(
        self,
        *,
        guard: DiskGuard | None = None,
        limit: SizeLimit | None = None,
        access: MetricsAccess | None = None,
        started_ms: int = 0,
        certificate_ends_ms: Callable[[], int | None] = lambda: None,
        backup_directory: Path | None = None,
    ) -> None:
        self.guard = guard
        self.limit = limit
        self.access = access or MetricsAccess()
        self.requests: Counter[tuple[str, str, int]] = Counter()
        """By method, route and status."""
        self.seconds: Counter[tuple[str, str]] = Counter()
        """Microseconds spent, by method and route."""
        self.started_ms = started_ms
        self.certificate_ends_ms = certificate_ends_ms
        self.backup_directory = backup_directory
        self.troubles: tuple[str, ...] = ()
        """Sentences for administrators, see `services.troubles`."""

    @property
    def is_disk_full(self) -> bool:
        return self.guard is not None and self.guard.room is Room.FULL

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        self.requests[method, route, status] += 1
        self.seconds[method, route] += round(seconds * 1_000_000)

    async def samples(self, database: Database) -> list[Sample]:
        found = [*self._process(), *_files(database.path), *self._requests()]
        for job, state in (await job_states(database)).items():
            labels = (("job", job),)
            text = "Failures in a row of the server's own jobs."
            found.append(Sample("job_failures", "gauge", text, state.failures, labels))
            if state.succeeded_ms is not None:
                text = "When each job last succeeded."
                seconds = state.succeeded_ms / 1000
                found.append(
                    Sample("job_success_timestamp_seconds", "gauge", text, seconds, labels)
                )
        return sorted(found, key=lambda sample: sample.name)

    def _process(self) -> list[Sample]:
        version = (("version", __version__), ("sqlite", sqlite_version()))
        found = [
            Sample("build_info", "gauge", "What is running.", 1, version),
            Sample("start_timestamp_seconds", "gauge", "When it started.", self.started_ms / 1000),
            Sample("resident_memory_bytes", "gauge", "Memory in use.", _resident_bytes()),
            Sample("open_descriptors", "gauge", "Open files and sockets.", _descriptors()),
        ]
        if self.guard is not None:
            free = self.guard.free_bytes
            found.append(Sample("disk_free_bytes", "gauge", "Free where the data is.", free))
            text = "1 while events are refused because the disk is full."
            found.append(Sample("disk_full", "gauge", text, int(self.is_disk_full)))
        if self.limit is not None:
            text = "Size of the database without pages that are free to be used again."
            found.append(Sample("database_used_bytes", "gauge", text, self.limit.used_bytes))
            text = "disk.max_db_size; 0 is no limit."
            found.append(Sample("database_limit_bytes", "gauge", text, self.limit.limit_bytes))
        ends_ms = self.certificate_ends_ms()
        if ends_ms is not None:
            text = "When the certificate in use ends."
            name = "certificate_end_timestamp_seconds"
            found.append(Sample(name, "gauge", text, ends_ms / 1000))
        return found

    def _requests(self) -> list[Sample]:
        found = [
            Sample(
                "http_requests_total",
                "counter",
                "Answers by route and status.",
                count,
                (("method", method), ("route", route), ("status", str(status))),
            )
            for (method, route, status), count in self.requests.items()
        ]
        found += [
            Sample(
                "http_request_seconds_total",
                "counter",
                "Time spent answering, by route.",
                micros / 1_000_000,
                (("method", method), ("route", route)),
            )
            for (method, route), micros in self.seconds.items()
        ]
        return found


def exposition(samples: list[Sample]) -> str:
    """Prometheus's text format 0.0.4; samples of one name are next to each other."""
    lines: list[str] = []
    last = ""
    for sample in samples:
        name = f"llmtrack_{sample.name}"
        if name != last:
            lines += [f"# HELP {name} {sample.help}", f"# TYPE {name} {sample.kind}"]
            last = name
        labels = ",".join(f'{key}="{_escaped(value)}"' for key, value in sample.labels)
        lines.append(
            f"{name}{{{labels}}} {sample.value:.15g}" if labels else f"{name} {sample.value:.15g}"
        )
    return "\n".join(lines) + "\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _files(database: Path) -> list[Sample]:
    wal = database.with_name(database.name + "-wal")
    return [
        Sample("database_bytes", "gauge", "Size of the database.", size_of(database)),
        Sample("wal_bytes", "gauge", "Size of its write-ahead log.", size_of(wal)),
    ]


def size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _resident_bytes() -> int:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:  # not Linux
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _descriptors() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, not paths
    except OSError:
        return 0
