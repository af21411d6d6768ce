"""The table of exit codes: it means the classes that exist, and says what it means."""

import errno
import sqlite3

import pytest

from llmtrack.cli.exit_codes import CODES, FAULT_CODES, MEANINGS, ExitCode, exit_code_of
from llmtrack.cli.failures import Failure
from llmtrack.config import loading
from llmtrack.domain import errors
from llmtrack.services import (
    acme_client,
    certificates,
    listening,
    lock,
    manifest,
    page_check,
    price_updates,
    sealing,
)
from llmtrack.storage import opening
from llmtrack.storage.faults import Fault
from llmtrack.web import server

CLASSES = {
    name: getattr(module, name)
    for module in (
        errors,
        loading,
        manifest,
        sealing,
        certificates,
        listening,
        lock,
        price_updates,
        page_check,
        acme_client,
        opening,
        server,
    )
    for name in vars(module)
    if name in CODES
}
BUILTIN = {"FileNotFoundError", "FileExistsError", "PermissionError", "OSError"}


def test_every_name_is_a_class_that_exists() -> None:
    assert set(CODES) == set(CLASSES) | BUILTIN


def test_every_fault_of_the_database_has_a_code() -> None:
    assert set(FAULT_CODES) == {fault.value for fault in Fault}


def test_every_code_is_explained() -> None:
    assert set(MEANINGS) == set(ExitCode)


def sqlite_error(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("x")
    error.sqlite_errorname = name
    return error


def caused(by: BaseException) -> BaseException:
    error = opening.DatabaseUnusable("x")
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidValue("name", "x"), 2),
        (errors.NotFound("x"), 3),
        (errors.AlreadyExists("x"), 4),
        (errors.Refused("x"), 5),
        (manifest.BackupUnusable("x"), 6),
        (caused(sqlite_error("SQLITE_CORRUPT")), 6),
        (lock.AlreadyRunning("x"), 69),
        (OSError(errno.ENOSPC, "x"), 74),
        (sqlite_error("SQLITE_FULL"), 74),
        (sqlite_error("SQLITE_IOERR_WRITE"), 74),
        (sqlite_error("SQLITE_BUSY"), 75),
        (sqlite_error("SQLITE_BUSY_SNAPSHOT"), 75),
        (listening.PortBusy("x"), 75),
        (PermissionError("x"), 77),
        (OSError(errno.EROFS, "x"), 77),
        (caused(PermissionError("x")), 77),
        (sqlite_error("SQLITE_READONLY_DBMOVED"), 77),
        (listening.PortForbidden("x"), 77),
        (caused(sqlite_error("SQLITE_NOTADB")), 78),
        (opening.DatabaseUnusable("x"), 78),
        (opening.SchemaTooNew("x"), 78),
        (certificates.CertificateUnusable("x"), 78),
        (listening.AddressUnusable("x"), 78),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_each_error_has_its_code(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code


def test_a_disk_that_takes_nothing_is_no_matter_of_whose_it_is() -> None:
    refused = Failure(OSError(errno.EROFS, "Read-only file system", "x.db.part"))

    assert refused.exit_code == ExitCode.PERMISSION
    assert "dmesg" in str(refused.fix)
    assert "sudo" in str(Failure(PermissionError(errno.EACCES, "Permission denied", "x")).fix)
