"""One setting of the operator: its name, its kind and what it is for."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from llmtrack.config.kinds import Kind

T = TypeVar("T")


@dataclass(frozen=True)
class Setting(Generic[T]):
    """`key` is its name in the file, dots being sections; `text` documents it."""

    key: str
    kind: Kind[T]
    default: str
    text: str
    reloads: bool = False
    """Whether SIGHUP brings a new value into force; else it needs a restart."""
    secret: bool = False
    """Never shown, except on demand."""

    @property
    def variable(self) -> str:
        """Its environment variable; with `_FILE` behind it, of a file with the value."""
        return "LLMTRACK_" + self.key.replace(".", "_").upper()
