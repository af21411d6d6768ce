"""Files that survive a power loss, belong to the right user and are read by nobody else."""

import os
from pathlib import Path

from llmtrack.domain.errors import InvalidValue


def make_directory(path: Path) -> None:
    """Make a directory that only its owner enters; one that is there is left as it is.

    Raises InvalidValue, OSError.
    """
    if path.exists() and not path.is_dir():
        raise InvalidValue("directory", f"{path} is no directory", fix="name another one")
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True)
        give_to_owner_of(path.parent, path)


def write_private(path: Path, content: bytes) -> None:
    """Replace a file's content at once and for good, mode 0600."""
    part = path.with_name(path.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    put_in_place(part, path)


def put_in_place(part: Path, path: Path) -> None:
    """Make a finished `.part` file durable and give it its name."""
    give_to_owner_of(path.parent, part)
    sync(part)
    part.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file or directory is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def give_to_owner_of(directory: Path, path: Path) -> None:
    """What root makes in a service's directory must stay usable for the service."""
    if os.geteuid() == 0:
        owner = directory.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
