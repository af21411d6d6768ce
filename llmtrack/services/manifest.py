"""What is known of a backup without opening it: a small JSON file beside it.

Of a sealed backup it says nothing that is worth sealing: no counts and no costs.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import msgspec

from llmtrack.domain.errors import LLMtrackError
from llmtrack.domain.periods import parse_instant, rfc3339
from llmtrack.services.files import write_private

FORMAT = 1
SEALED_SUFFIX = ".age"
_BLOCK_BYTES = 1024 * 1024


class BackupUnusable(LLMtrackError):
    """A copy that is damaged, incomplete or not what its manifest says."""

    fix = "use another copy: llmtrack backup list"


@dataclass(frozen=True)
class Manifest:
    """`sha256` is of the file as it lies there, `contents_sha256` of the database in it."""

    created: str
    reason: str
    llmtrack: str
    sqlite: str
    schema: int
    file: str
    bytes: int
    sha256: str
    contents_sha256: str
    sealed_to: str | None = None
    rows: dict[str, int] | None = None
    """By table."""
    event_cost_usd: str | None = None
    """The exact sum of all events that are there."""
    total_cost_usd: str | None = None
    """The exact sum of all totals, those of purged events among them."""
    audit_head: str | None = None
    format: int = FORMAT

    @property
    def created_ms(self) -> int:
        return parse_instant(self.created, "UTC")

    def sealed(self, *, file: Path, recipient: str) -> "Manifest":
        """The same for the sealed file, without what the seal is for."""
        return replace(
            self,
            file=file.name,
            sealed_to=recipient,
            rows=None,
            event_cost_usd=None,
            total_cost_usd=None,
            audit_head=None,
        )


def manifest_path(copy: Path) -> Path:
    """`x.db` and `x.db.age` have `x.json`."""
    return copy.with_name(copy.name.removesuffix(SEALED_SUFFIX)).with_suffix(".json")


def read_manifest(copy: Path) -> Manifest | None:
    """None if there is none. Raises BackupUnusable."""
    path = manifest_path(copy)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        manifest = msgspec.json.decode(raw, type=Manifest)
        parse_instant(manifest.created, "UTC")
    except (msgspec.MsgspecError, ValueError) as error:
        raise BackupUnusable(f"{path} is no manifest: {error}") from None
    if manifest.format != FORMAT:
        raise BackupUnusable(
            f"{path} is no manifest of format {FORMAT}", fix="use a newer llmtrack"
        )
    return manifest


def write_manifest(copy: Path, manifest: Manifest) -> None:
    write_private(manifest_path(copy), json.dumps(asdict(manifest), indent=2).encode() + b"\n")


def hash_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def moment_of(now_ms: int) -> str:
    return rfc3339(now_ms)
