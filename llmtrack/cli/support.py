# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack support-bundle`: what somebody else needs to help, without secrets and events."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from llmtrack.cli.data import Data, now_ms, pass_data


@click.command("support-bundle")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="F",
    help="The file to make. Default: llmtrack-support-TIME.tar.gz here.",
)
@pass_data
def support_bundle(data: Data, out: Path | None) -> None:
    """Pack versions, settings, sizes, jobs and checks into one file to send to somebody.

    Without keys, secrets, names and events; read it before you send it.
    """
    path = out or Path(f"llmtrack-support-{now_ms() // 1000}.tar.gz")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, make in _PARTS.items():
            _add(archive, f"{name}.json", json.dumps(_made(data, make), indent=2).encode())
    click.echo(path)


def _made(data: Data, make: "Callable[[Data], Any]") -> Any:
    """What cannot be made, as of a damaged database, is what the others are wanted for."""
    try:
        return make(data)
    except Exception as error:  # noqa: BLE001 - said in its place
        return {"failed": f"{type(error).__name__}: {error}"}


def _settings(data: Data) -> dict[str, Any]:
    from llmtrack.cli.config import shown
    from llmtrack.config.table import SETTINGS

    return {
        setting.key: {
            "value": shown(setting, data.config),
            "origin": data.config.told(setting).origin,
        }
        for setting in SETTINGS
    }


def _checks(data: Data) -> list[dict[str, Any]]:
    """Without `data`: it names workspaces, and may take long."""
    from llmtrack.cli.check import CHECKS, findings

    names = [name for name in CHECKS if name != "data"]
    return [finding._asdict() for name in names for finding in findings(data, name)]


def _status(data: Data) -> dict[str, Any]:
    from llmtrack.cli.status import status_fields

    return status_fields(data)


def _rows(data: Data) -> dict[str, int]:
    from contextlib import closing

    from llmtrack.storage.maintenance import all_counts, open_to_read

    with closing(open_to_read(data.database)) as connection:
        return all_counts(connection)


def _versions(data: Data) -> dict[str, Any]:  # noqa: ARG001 - as the others
    from llmtrack.cli.version import versions

    return dict(versions())


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = len(content), now_ms() // 1000, 0o600
    archive.addfile(entry, io.BytesIO(content))


_PARTS: dict[str, Callable[[Data], Any]] = {
    "versions": _versions,
    "settings": _settings,
    "status": _status,
    "checks": _checks,
    "rows": _rows,
}
