# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack status`: how the installation is, from its files, with the server up or down."""

import shutil
from typing import TYPE_CHECKING, Any

import click

from llmtrack import __version__
from llmtrack.cli.data import Data, now_ms, pass_data
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_fields, print_json, print_rows

if TYPE_CHECKING:
    from llmtrack.storage.database import Database

JOB_COLUMNS = ("job", "last_run", "last_success", "failures", "result")


@click.command()
@json_option
@pass_data
def status(data: Data, as_json: bool) -> None:
    """Show whether the server runs, sizes, the last backup, the certificate, the jobs."""
    data.require()
    fields = status_fields(data)
    if as_json:
        print_json(fields)
        return
    jobs = fields.pop("jobs")
    print_fields(fields, as_json=False)
    click.echo()
    print_rows(jobs, columns=JOB_COLUMNS, as_json=False, none="no job has run yet")


def status_fields(data: Data) -> dict[str, Any]:
    return {
        **server_fields(data),
        **file_fields(data),
        **backup_fields(data),
        **certificate_fields(data),
        "pending_migrations": data.pending_steps or None,
        "jobs": [] if data.pending_steps else data.run(job_rows),
    }


def server_fields(data: Data) -> dict[str, Any]:
    from llmtrack.services.lock import holder_of

    holder = holder_of(data.directory)
    return {
        "version": __version__,
        "server": "not running" if holder is None else f"running: {holder.purpose}",
        "address": holder.address if holder else None,
        "pid": holder.pid if holder else None,
    }


def file_fields(data: Data) -> dict[str, Any]:
    from llmtrack.config.table import DISK_MAX_DB_SIZE
    from llmtrack.storage.maintenance import bytes_in_use

    wal = data.database.with_name(data.database.name + "-wal")
    return {
        "data": str(data.directory),
        "database_bytes": data.database.stat().st_size,
        "database_used_bytes": bytes_in_use(data.database),
        "database_limit_bytes": data.config[DISK_MAX_DB_SIZE] or None,
        "wal_bytes": wal.stat().st_size if wal.exists() else 0,
        "disk_free_bytes": shutil.disk_usage(data.directory).free,
    }


def backup_fields(data: Data) -> dict[str, Any]:
    from llmtrack.services.rotation import copies_in

    copies = copies_in(data.backup_directory)
    latest = copies[0] if copies else None
    return {
        "backups": len(copies),
        "last_backup": moment(latest.created_ms) if latest else "never",
        "last_backup_hours": (now_ms() - latest.created_ms) // 3_600_000 if latest else None,
    }


def certificate_fields(data: Data) -> dict[str, Any]:
    from llmtrack.cli.checks import configured_pair
    from llmtrack.services.certificates import certificate_facts

    pair = configured_pair(data)
    if pair is None or not pair.cert_file.exists():
        return {"certificate_ends": None}
    return {"certificate_ends": moment(certificate_facts(pair.cert_file).not_after_ms)}


async def job_rows(database: "Database") -> list[dict[str, Any]]:
    from llmtrack.storage.job_states import job_states

    return [
        {
            "job": state.name,
            "last_run": moment(state.started_ms),
            "last_success": moment(state.succeeded_ms),
            "failures": state.failures,
            "result": state.result,
        }
        for state in (await job_states(database)).values()
    ]
