"""Answers that may be a minute old: what menus offer, which is read for every page.

Kept until anything but events is committed (`Database.generation`), so what was renamed or
deleted is gone at once, and for LIFE_S at most (`Database.watch`). Numbers are never kept here.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Any

LIFE_S = 60
KEPT_MAX = 300
"""Answers; the filters of one period are eight."""


class RecentAnswers:
    """Of all workspaces; who asks names the own one with each question."""

    def __init__(self, generation: Callable[[], int]) -> None:
        self._read_generation = generation
        self._kept_at = -1
        self._answers: dict[tuple[int, Hashable], Any] = {}
        self._lock = threading.Lock()  # pages are read on threads of their own

    @property
    def generation(self) -> int:
        return self._read_generation()

    def get(self, workspace_id: int, question: Hashable) -> Any | None:
        """The answer; None if it has to be read."""
        if self.generation != self._kept_at:
            return None
        return self._answers.get((workspace_id, question))

    def keep(self, workspace_id: int, question: Hashable, answer: Any, *, seen_at: int) -> None:
        """`seen_at`: the generation when the reading began."""
        with self._lock:
            if seen_at != self.generation:
                return
            if seen_at != self._kept_at or len(self._answers) >= KEPT_MAX:
                self.forget()
                self._kept_at = seen_at
            self._answers[workspace_id, question] = answer

    def forget(self) -> None:
        self._answers.clear()
