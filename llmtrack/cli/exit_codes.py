"""What the program's exit status says, and which error leads to which: the one table."""

import errno
from enum import IntEnum

from llmtrack.domain.errors import LLMtrackError


class ExitCode(IntEnum):
    OK = 0
    FAILURE = 1
    USAGE = 2
    NOT_FOUND = 3
    ALREADY_EXISTS = 4
    REFUSED = 5
    VERIFICATION_FAILED = 6
    SERVER_STATE = 69
    IO = 74
    BUSY = 75
    PERMISSION = 77
    CONFIG = 78


MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.FAILURE: "failed for a reason without a code of its own",
    ExitCode.USAGE: "the command line is wrong",
    ExitCode.NOT_FOUND: "the named thing, file or database does not exist",
    ExitCode.ALREADY_EXISTS: "it exists already",
    ExitCode.REFUSED: "refused, or needs --yes",
    ExitCode.VERIFICATION_FAILED: "a check found something wrong",
    ExitCode.SERVER_STATE: "a server runs where none must, or none runs where one must",
    ExitCode.IO: "the disk or the network failed",
    ExitCode.BUSY: "the database or the port is in use: try again",
    ExitCode.PERMISSION: "no permission for a file or a port",
    ExitCode.CONFIG: "bad configuration or certificate, or a database of another version",
}

# By name: importing the classes would make `llmtrack --help` load storage and services.
# tests/cli/test_exit_codes.py holds every name against the class it means.
CODES = {
    "NotFound": ExitCode.NOT_FOUND,
    "FileNotFoundError": ExitCode.NOT_FOUND,
    "AlreadyExists": ExitCode.ALREADY_EXISTS,
    "FileExistsError": ExitCode.ALREADY_EXISTS,
    "Refused": ExitCode.REFUSED,
    "InvalidValue": ExitCode.USAGE,
    "Unsealable": ExitCode.VERIFICATION_FAILED,
    "BackupUnusable": ExitCode.VERIFICATION_FAILED,
    "DatabaseDamaged": ExitCode.VERIFICATION_FAILED,
    "PriceFileUnusable": ExitCode.VERIFICATION_FAILED,
    "AlreadyRunning": ExitCode.SERVER_STATE,
    "CertificateUnusable": ExitCode.CONFIG,
    "CertificateNotIssued": ExitCode.IO,
    "CompiledParserMissing": ExitCode.CONFIG,
    "ConfigUnusable": ExitCode.CONFIG,
    "SchemaTooNew": ExitCode.CONFIG,
    "AddressUnusable": ExitCode.CONFIG,
    "PortBusy": ExitCode.BUSY,
    "PortForbidden": ExitCode.PERMISSION,
    "PermissionError": ExitCode.PERMISSION,
    # An error that carries SQLite's gets the code of that first, see FAULT_CODES.
    "DatabaseUnusable": ExitCode.CONFIG,
    "OSError": ExitCode.IO,
}
FAULT_CODES = {
    "busy": ExitCode.BUSY,
    "disk_full": ExitCode.IO,
    "read_only": ExitCode.PERMISSION,
    "corrupt": ExitCode.VERIFICATION_FAILED,
    "not_a_database": ExitCode.CONFIG,
    "io": ExitCode.IO,
    "other": ExitCode.FAILURE,
}
"""By `storage.faults.Fault`."""


class CommandFailed(LLMtrackError):
    """A command's own verdict, with the exit code that belongs to it."""

    def __init__(self, message: str, code: ExitCode, *, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.code = code


def exit_code_of(error: BaseException) -> ExitCode:
    if isinstance(error, CommandFailed):
        return error.code
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        return ExitCode.PERMISSION
    fault = _fault_name(error)
    if fault is not None:
        return FAULT_CODES[fault]
    if isinstance(error.__cause__, PermissionError):
        return ExitCode.PERMISSION
    names = (kind.__name__ for kind in type(error).__mro__)
    return next((CODES[name] for name in names if name in CODES), ExitCode.FAILURE)


def _fault_name(error: BaseException) -> str | None:
    from llmtrack.storage.faults import fault_of  # noqa: PLC0415 - sqlite3 only when it matters

    fault = fault_of(error)
    return None if fault is None else fault.value
