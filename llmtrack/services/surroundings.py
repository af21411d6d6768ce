"""What is wrong around the data: its disk, the clock, the certificate, the backups, the ports."""

import datetime as dt
import shutil
from collections.abc import Sequence
from pathlib import Path

from llmtrack.domain.addresses import parse_address
from llmtrack.domain.errors import LLMtrackError
from llmtrack.domain.nouns import counted
from llmtrack.domain.periods import DAY_MS
from llmtrack.services.certificates import certificate_facts, server_context
from llmtrack.services.inspection import Finding
from llmtrack.services.listening import bind
from llmtrack.services.lock import holder_of
from llmtrack.services.rotation import Copy
from llmtrack.services.self_signed import Pair

BACKUP_AGE_MS = 2 * DAY_MS
CERTIFICATE_LEFT_MS = 21 * DAY_MS
CLOCK_FLOOR = dt.date(2026, 1, 1)
"""No event was ever recorded before the program was written."""
# statfs(2): file systems whose locks or shared memory SQLite's WAL cannot rely on.
NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "ceph", "glusterfs"}


def disk_findings(directory: Path, *, warn_bytes: int, stop_bytes: int) -> list[Finding]:
    free = shutil.disk_usage(directory).free
    found: list[Finding]
    text = f"{free // 2**20:,} MiB free for {directory}"
    if free < stop_bytes:
        full = "make room, or move the data; events are refused until then"
        found = [Finding("disk", False, text, full)]
    elif free < warn_bytes:
        found = [Finding("disk", False, text, "make room before it is too late")]
    else:
        found = [Finding("disk", True, text)]
    system = _file_system(directory)
    if system in NETWORK_FILE_SYSTEMS:
        local = "put the data directory on a local disk"
        found.append(Finding("disk", False, f"{directory} is on {system}: not safe", local))
    return found


def clock_findings(now_ms: int, newest_event_ms: int | None) -> list[Finding]:
    """A clock that is behind would file new events under old days."""
    now = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC)
    fix = "set the clock: timedatectl set-ntp true"
    if now.date() < CLOCK_FLOOR:
        return [Finding("clock", False, f"it cannot be {now:%Y-%m-%d %H:%M} UTC", fix)]
    if newest_event_ms is not None and newest_event_ms - now_ms > 10 * 60_000:
        ahead = (newest_event_ms - now_ms) // 60_000
        return [Finding("clock", False, f"the newest event is {ahead:,} minutes ahead", fix)]
    return [Finding("clock", True, f"{now:%Y-%m-%d %H:%M:%S} UTC")]


def certificate_findings(pair: Pair | None, now_ms: int) -> list[Finding]:
    if pair is None:
        return [Finding("tls", True, "no certificate yet: plain http, or made at the first start")]
    try:
        server_context(*pair)
        facts = certificate_facts(pair.cert_file)
    except (LLMtrackError, OSError) as error:
        return [Finding("tls", False, str(error), getattr(error, "fix", None))]
    days = (facts.not_after_ms - now_ms) // DAY_MS
    is_good = facts.not_after_ms - now_ms > CERTIFICATE_LEFT_MS
    fix = None if is_good else "renew it; the server takes up the new file by itself"
    return [Finding("tls", is_good, f"{pair.cert_file} is good for {counted(days, 'day')}", fix)]


def backup_findings(
    copies: Sequence[Copy], now_ms: int, *, is_scheduled: bool, set_up_ms: int | None
) -> list[Finding]:
    """A new installation has none yet, which is no fault for a while."""
    if not copies:
        make = "make one: llmtrack backup create" if is_scheduled else "set backup.schedule"
        is_new = set_up_ms is None or now_ms - set_up_ms < BACKUP_AGE_MS
        return [Finding("backup", is_new, "there is no backup yet", make)]
    hours = (now_ms - copies[0].created_ms) // 3_600_000
    is_good = now_ms - copies[0].created_ms < BACKUP_AGE_MS
    fix = None if is_good else "see why in: llmtrack status; make one: llmtrack backup create"
    return [Finding("backup", is_good, f"the newest of {len(copies)} is {hours} hours old", fix)]


def port_findings(addresses: Sequence[str], directory: Path) -> list[Finding]:
    """Whether a server could listen there; a running one already does."""
    if holder_of(directory) is not None:
        return [Finding("ports", True, "the server is running")]
    found = []
    for text in addresses:
        try:
            for listening in bind(parse_address(text)):
                listening.close()
            found.append(Finding("ports", True, f"{text} is free"))
        except LLMtrackError as error:
            found.append(Finding("ports", False, str(error), error.fix))
    return found


def tighten(directory: Path) -> list[Path]:
    """Take everybody else's access away; what was changed."""
    changed = []
    for path in (directory, *sorted(directory.iterdir())):
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            path.chmod(mode & 0o700)
            changed.append(path)
    return changed


def _file_system(directory: Path) -> str:
    """By the longest mount point above it; "" where /proc does not say."""
    try:
        lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    resolved = directory.resolve()
    mounts = [line.split(" ")[1:3] for line in lines]
    above = [
        (point, system)
        for point, system in mounts
        if resolved.is_relative_to(point.replace("\\040", " "))
    ]
    return max(above, default=("", ""), key=lambda mount: len(mount[0]))[1]
