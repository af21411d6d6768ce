"""Copies of the database that are known to be good.

A copy counts only once it was opened, checked and is durably on the disk; until then its
name ends in `.part`. A manifest beside it says what must be in it.
"""

import os
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from llmtrack import __version__
from llmtrack.domain.errors import AlreadyExists
from llmtrack.domain.money import usd_text
from llmtrack.services.files import put_in_place
from llmtrack.services.manifest import (
    SEALED_SUFFIX,
    BackupUnusable,
    Manifest,
    hash_of,
    moment_of,
    read_manifest,
    write_manifest,
)
from llmtrack.services.sealing import (
    is_sealed,
    read_identity,
    read_recipient,
    seal_file,
    unseal_file,
)
from llmtrack.storage.engine import sqlite_version
from llmtrack.storage.faults import Fault, fault_of
from llmtrack.storage.maintenance import (
    Costs,
    all_copied,
    all_costs,
    all_counts,
    all_problems,
    bytes_in_use,
    open_to_read,
)
from llmtrack.storage.maintenance_audit import all_audit_heads, heads_text
from llmtrack.storage.migrating import schema_version
from llmtrack.storage.opening import DatabaseUnusable
from llmtrack.storage.writer import Connection

COPY_ATTEMPTS = 3


class BackupFacts(NamedTuple):
    """What is in a copy; `rows` by table. A sealed one that was not opened has no rows."""

    path: Path
    size: int
    schema: int
    rows: dict[str, int]
    manifest: Manifest | None = None
    is_sealed: bool = False
    is_opened: bool = True
    costs: Costs | None = None
    audit_head: str | None = None


def default_name(now_ms: int) -> str:
    return f"llmtrack-{datetime.fromtimestamp(now_ms / 1000, UTC):%Y%m%d-%H%M%S}.db"


def create(
    database: Path,
    target: Path,
    *,
    now_ms: int,
    reason: str = "manual",
    recipient: str | None = None,
) -> BackupFacts:
    """Copy the database while others use it; with `recipient` the copy is sealed to it.

    Raises AlreadyExists, BackupUnusable, OSError.
    """
    final = target.with_name(target.name + SEALED_SUFFIX) if recipient else target
    if final.exists():
        raise AlreadyExists(f"{final} exists already", fix="name another file with --out")
    part = target.with_name(target.name + ".part")
    sealed_part = final.with_name(final.name + ".part")
    check_space(bytes_in_use(database) * (2 if recipient else 1), target.parent)
    try:
        _copy_whole(database, part)
        facts = _opened(part)
        manifest = _manifest_of(facts, target.name, reason, now_ms)
        if recipient:
            sealed_part.unlink(missing_ok=True)
            seal_file(part, sealed_part, read_recipient(recipient))
            manifest = manifest.sealed(file=final, recipient=recipient)
        written = sealed_part if recipient else part
        manifest = _with_file(manifest, written)
        put_in_place(written, final)
        write_manifest(final, manifest)
    finally:
        part.unlink(missing_ok=True)
        sealed_part.unlink(missing_ok=True)
    return facts._replace(
        path=final, size=manifest.bytes, manifest=manifest, is_sealed=recipient is not None
    )


def verify(path: Path, *, identity: Path | None = None) -> BackupFacts:
    """Hold a copy against its manifest and read every page of it.

    A sealed one is opened with `identity`; without, only its checksum can be held against the
    manifest. Raises BackupUnusable, Unsealable, DatabaseUnusable, SchemaTooNew.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist or is no file")
    manifest = read_manifest(path)
    if manifest is not None and hash_of(path) != manifest.sha256:
        _opened_or_damaged(path)
        raise BackupUnusable(f"{path} is damaged: its SHA-256 is not the manifest's")
    if not is_sealed(path):
        facts = _opened(path)
    elif identity is not None:
        facts = _unsealed_and_opened(path, identity, manifest)
    elif manifest is not None:
        return BackupFacts(
            path,
            path.stat().st_size,
            manifest.schema,
            {},
            manifest,
            is_sealed=True,
            is_opened=False,
        )
    else:
        raise BackupUnusable(
            f"{path} is sealed and has no manifest", fix="name the private key with --identity"
        )
    if manifest is not None:
        _compare(facts, manifest)
    return facts._replace(path=path, manifest=manifest, is_sealed=is_sealed(path))


def plain_copy(path: Path, part: Path, identity: Path | None) -> None:
    """Write the database of a copy to `part`. Raises BackupUnusable, Unsealable."""
    start_empty(part)
    if not is_sealed(path):
        all_copied(path, part)
    elif identity is None:
        raise BackupUnusable(f"{path} is sealed", fix="name the private key with --identity")
    else:
        part.unlink()
        unseal_file(path, part, read_identity(identity))


def start_empty(part: Path) -> None:
    """An empty file of mode 0600 for the copy: made by SQLite, it would be open to others."""
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def check_space(needed: int, directory: Path) -> None:
    free = shutil.disk_usage(directory).free
    if free < needed:
        raise OSError(f"{directory} has {free:,} bytes free, and the copy takes about {needed:,}")


def _opened(path: Path) -> BackupFacts:
    try:
        with closing(open_to_read(path)) as connection:
            problems = all_problems(connection)
            if not problems:
                return _facts_of(path, connection)
    except DatabaseUnusable as error:
        if fault_of(error) is not Fault.CORRUPT:
            raise
        problems = [str(error.__cause__)]
    raise BackupUnusable(f"{path} is damaged: {'; '.join(problems[:3])}")


def _facts_of(path: Path, connection: Connection) -> BackupFacts:
    return BackupFacts(
        path,
        path.stat().st_size,
        schema_version(connection),
        all_counts(connection),
        costs=all_costs(connection),
        audit_head=heads_text(all_audit_heads(connection)),
    )


def _opened_or_damaged(path: Path) -> None:
    """The engine says better than a checksum what is wrong, where it finds anything."""
    if not is_sealed(path):
        _opened(path)


def _unsealed_and_opened(path: Path, identity: Path, manifest: Manifest | None) -> BackupFacts:
    part = path.with_name(path.name + ".opened.part")
    check_space(path.stat().st_size, path.parent)
    try:
        plain_copy(path, part, identity)
        if manifest is not None and hash_of(part) != manifest.contents_sha256:
            raise BackupUnusable(f"{path} holds another database than its manifest says")
        return _opened(part)
    finally:
        part.unlink(missing_ok=True)


def _manifest_of(facts: BackupFacts, name: str, reason: str, now_ms: int) -> Manifest:
    return Manifest(
        created=moment_of(now_ms),
        reason=reason,
        llmtrack=__version__,
        sqlite=sqlite_version(),
        schema=facts.schema,
        file=name,
        bytes=facts.size,
        sha256="",
        contents_sha256=hash_of(facts.path),
        rows=facts.rows,
        event_cost_usd=usd_text(facts.costs.events_pico) if facts.costs else None,
        total_cost_usd=usd_text(facts.costs.totals_pico) if facts.costs else None,
        audit_head=facts.audit_head,
    )


def _with_file(manifest: Manifest, written: Path) -> Manifest:
    size = written.stat().st_size
    sha256 = hash_of(written)  # read back: what the disk holds, not what was meant
    return Manifest(**{**vars(manifest), "bytes": size, "sha256": sha256})


def _compare(facts: BackupFacts, manifest: Manifest) -> None:
    if manifest.rows is not None and (wrong := differences(facts, manifest)):
        raise BackupUnusable(f"{facts.path} differs from its manifest in {', '.join(wrong)}")


def differences(facts: BackupFacts, manifest: Manifest) -> list[str]:
    """In which counts, exact sums and chains a database is not what its manifest says."""
    rows = manifest.rows or {}
    wrong = [name for name in rows if rows[name] != facts.rows.get(name)]
    costs = facts.costs
    if costs is not None and manifest.event_cost_usd not in {None, usd_text(costs.events_pico)}:
        wrong.append("the sum of all events")
    if costs is not None and manifest.total_cost_usd not in {None, usd_text(costs.totals_pico)}:
        wrong.append("the sum of all totals")
    if manifest.audit_head not in {None, facts.audit_head}:
        wrong.append("the end of the audit log")
    return wrong


def _copy_whole(database: Path, part: Path) -> None:
    missing: list[str] = []
    for _ in range(COPY_ATTEMPTS):
        missing = _copy(database, part)
        if not missing:
            return
    raise BackupUnusable(f"the copy is incomplete: {'; '.join(missing)}")


def _copy(database: Path, part: Path) -> list[str]:
    """Copy, and say which tables lack rows.

    The copy is of a moment between two counts; each table's count must lie between them. A
    purge that runs while events come in can break that without a fault: hence attempts.
    """
    with closing(open_to_read(database)) as connection:
        before = all_counts(connection)
        start_empty(part)
        all_copied(database, part)
        after = all_counts(connection)
    with closing(open_to_read(part)) as connection:
        copied = all_counts(connection)
    return [
        f"{table} has {copied.get(table, 0)} rows"
        for table in before
        if not min(before[table], after[table])
        <= copied.get(table, 0)
        <= max(before[table], after[table])
    ]
