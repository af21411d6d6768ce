"""Keeps the ends of the audit log's chains where nobody who can write its file can: in a syslog.

A chain whose last entries are cut off looks whole; held against the lines that were sent, it
does not (`llmtrack audit verify --heads`).
"""

import asyncio
import logging
from logging.handlers import SysLogHandler

from llmtrack.domain.addresses import parse_address
from llmtrack.storage.database import Database
from llmtrack.storage.maintenance_audit import AuditHead, all_audit_heads_now, heads_text


class _Syslog(SysLogHandler):
    ident = "llmtrack: "

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: ARG002, N802 - its method
        raise  # noqa: PLE0704 - called while the error is handled


class AuditAnchor:
    """`address`: a socket such as /dev/log, or HOST:PORT for UDP (RFC 5426)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._sent: set[AuditHead] = set()

    async def send(self, database: Database) -> str:
        """Send a line for each chain that has grown. Raises OSError.

        By UDP nobody says whether it arrived.
        """
        heads = await all_audit_heads_now(database)
        grown = [head for head in heads if head not in self._sent]
        if grown:
            await asyncio.to_thread(self._write, grown)
            self._sent = set(heads)
        return f"{len(grown)} of {len(heads)} chains had grown"

    def _write(self, heads: list[AuditHead]) -> None:
        where: str | tuple[str, int] = self.address
        if not self.address.startswith("/"):
            host, port = parse_address(self.address)
            where = host, port
        handler = _Syslog(where, facility=SysLogHandler.LOG_AUTHPRIV)
        try:
            for head in heads:
                text = f"audit head {heads_text([head])}"
                handler.emit(logging.makeLogRecord({"msg": text, "levelname": "INFO"}))
        finally:
            handler.close()
