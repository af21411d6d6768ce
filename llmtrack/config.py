"""Where things are: the shipped templates and assets, and the operator's data."""

from collections.abc import Mapping
from pathlib import Path

SYSTEM_DATA_DIR = Path("/var/lib/llmtrack")
LOCAL_DATA_DIR = Path("llmtrack-data")


def resource_dir() -> Path:
    """The directory that holds `templates/` and `static/`.

    A wheel carries them inside the package; a checkout and the one-file binary, which
    unpacks like a checkout, beside it.
    """
    package = Path(__file__).resolve().parent
    return package if (package / "templates").is_dir() else package.parent


def resolve_data_dir(flag: str | None, environ: Mapping[str, str]) -> Path:
    """First of: the flag, LLMTRACK_DATA_DIR, systemd's state directory, the system's, ours here."""
    chosen = flag or environ.get("LLMTRACK_DATA_DIR")
    if chosen:
        return Path(chosen)
    # systemd separates several state directories by colons; the unit's first one is ours.
    state = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if state:
        return Path(state)
    return SYSTEM_DATA_DIR if SYSTEM_DATA_DIR.is_dir() else LOCAL_DATA_DIR
