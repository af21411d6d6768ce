"""The ledger's second home, `deletions.jsonl` beside the database.

A restore needs the ledger of the very database that may be lost. Keep a copy of this file
where the backups are kept.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from llmtrack.services.files import give_to_owner_of, write_private
from llmtrack.storage.deletions import Deletion

FILE_NAME = "deletions.jsonl"


def note_in_file(directory: Path, deletion: Deletion) -> None:
    """Append durably; done before the deletion itself."""
    path = directory / FILE_NAME
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        give_to_owner_of(directory, path)
        os.write(descriptor, json.dumps(deletion._asdict()).encode() + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_deletions(directory: Path) -> list[Deletion]:
    path = directory / FILE_NAME
    return read_deletion_file(path) if path.exists() else []


def read_deletion_file(path: Path) -> list[Deletion]:
    """A last line that was cut by a power loss does not count: nothing was deleted by then."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(Deletion(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return found


def write_deletions(directory: Path, deletions: Sequence[Deletion]) -> None:
    """The file as the database has it; untouched if it says the same."""
    path = directory / FILE_NAME
    content = b"".join(json.dumps(each._asdict()).encode() + b"\n" for each in deletions)
    if content and (not path.exists() or path.read_bytes() != content):
        write_private(path, content)
