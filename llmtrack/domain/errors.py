"""The errors a person can act on.

Each names the situation; `web` turns them into HTTP statuses and `cli` into exit codes,
each in one table.
"""


class LLMtrackError(Exception):
    """Base of every error whose text is meant for a person."""

    fix: str | None = None

    def __init__(self, message: str, *, fix: str | None = None) -> None:
        super().__init__(message)
        if fix is not None:
            self.fix = fix


class InvalidEvent(LLMtrackError):
    """A body that is no event: `field` is the first offending wire name, or `body`."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class InvalidValue(LLMtrackError):
    """A value a person typed: `field` names the form field, query parameter or option."""

    def __init__(self, field: str, message: str, *, fix: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.field = field


class NotFound(LLMtrackError):
    """Nothing of that name in reach of the asker; another workspace's things count as absent."""


class AlreadyExists(LLMtrackError):
    pass


class Refused(LLMtrackError):
    """Understood, but not done: needs a confirmation, a role or another state."""


class Overloaded(LLMtrackError):
    """The queue stayed full for the whole hold; the client should retry."""
