"""Which backups stay: some days, some weeks, and none beyond a hard age.

The age is a promise: what was deleted from the live database is gone from every backup then.
So it holds for copies made by hand and for the state that a restore has put aside as well.
"""

import shutil
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from llmtrack.domain.periods import DAY_MS
from llmtrack.services.manifest import (
    SEALED_SUFFIX,
    BackupUnusable,
    Manifest,
    manifest_path,
    read_manifest,
)

SCHEDULED = "scheduled"
UNDO_PATTERN = "restore-undo-*"


class Copy(NamedTuple):
    """A backup as a listing shows it."""

    path: Path
    created_ms: int
    size: int
    manifest: Manifest | None

    @property
    def reason(self) -> str:
        return self.manifest.reason if self.manifest else "unknown"


class Keeping(NamedTuple):
    """The last copy of each of so many days and weeks, of those made on schedule."""

    daily: int
    weekly: int
    max_age: timedelta


def copies_in(directory: Path) -> list[Copy]:
    """The newest first. A file without a manifest counts by its own time."""
    if not directory.is_dir():
        return []
    paths = [*directory.glob("*.db"), *directory.glob(f"*.db{SEALED_SUFFIX}")]
    return sorted(
        map(_copy, filter(Path.is_file, paths)), key=lambda copy: copy.created_ms, reverse=True
    )


def doomed(copies: Iterable[Copy], keeping: Keeping, now_ms: int) -> list[Copy]:
    """Those that rotation removes now."""
    max_age_ms = int(keeping.max_age.total_seconds() * 1000)
    found, days, weeks = [], set[int](), set[int]()
    for copy in sorted(copies, key=lambda copy: copy.created_ms, reverse=True):
        day = copy.created_ms // DAY_MS
        week = (day + 3) // 7  # 1970-01-01 was a Thursday
        if now_ms - copy.created_ms > max_age_ms:
            found.append(copy)
        elif copy.reason == SCHEDULED:
            # The newest one stays, or a backup would be thrown away as soon as it was made.
            stays = (day not in days and len(days) < max(keeping.daily, 1)) or (
                week not in weeks and len(weeks) < keeping.weekly
            )
            if not stays:
                found.append(copy)
            days.add(day)
            weeks.add(week)
    return found


def old_undos(directory: Path, keeping: Keeping, now_ms: int) -> list[Path]:
    """States that restores have put aside in a data directory, too old by now."""
    oldest_s = now_ms / 1000 - keeping.max_age.total_seconds()
    return [path for path in directory.glob(UNDO_PATTERN) if path.stat().st_mtime < oldest_s]


def remove_copy(copy: Copy) -> None:
    copy.path.unlink(missing_ok=True)
    manifest_path(copy.path).unlink(missing_ok=True)


def remove_undo(path: Path) -> None:
    shutil.rmtree(path)


def _copy(path: Path) -> Copy:
    try:
        manifest = read_manifest(path)
    except BackupUnusable:
        manifest = None
    found = path.stat()
    created_ms = manifest.created_ms if manifest else int(found.st_mtime * 1000)
    return Copy(path, created_ms, found.st_size, manifest)
