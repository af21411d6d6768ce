"""Packed rows in memory, those that were wanted last: see `marked_days` for which, and why so."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

KEPT_BYTES_MAX = 4 * 1024 * 1024


class KeptRows:
    """Of all workspaces; who asks names the own one with each question."""

    def __init__(self) -> None:
        self._packed: OrderedDict[tuple[int, Hashable], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()  # pages are read on threads of their own

    def get(self, workspace_id: int, question: Hashable) -> bytes | None:
        with self._lock:
            packed = self._packed.get((workspace_id, question))
            if packed is not None:
                self._packed.move_to_end((workspace_id, question))
            return packed

    def keep(self, workspace_id: int, question: Hashable, packed: bytes) -> None:
        with self._lock:
            before = self._packed.pop((workspace_id, question), b"")
            self._packed[workspace_id, question] = packed
            self._bytes += len(packed) - len(before)
            while self._bytes > KEPT_BYTES_MAX:
                self._bytes -= len(self._packed.popitem(last=False)[1])
