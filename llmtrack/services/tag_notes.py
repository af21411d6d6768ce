"""What somebody must know who reads sums by tags: from when on they are complete."""

from collections.abc import Iterable

from llmtrack.domain.periods import QUARTER_MS, local_date
from llmtrack.storage.dimensions import Dimension, Tag


def tag_notes(kinds: Iterable[Dimension], start_ms: int, zone_name: str) -> list[str]:
    """One sentence for each gap that a tag among some dimensions has after `start_ms`."""
    notes = []
    for tag in (kind for kind in kinds if isinstance(kind, Tag)):
        if not tag.is_counted_from(start_ms):
            day = local_date(tag.counted_quarter * QUARTER_MS, zone_name)
            notes.append(
                f"The tag {tag.key} is still being counted, the newest events first. Until {day} "
                "it is read from single events, and values that are new there are other values."
            )
        if tag.known_ms is not None and start_ms < tag.known_ms:
            day = local_date(tag.known_ms - 1, zone_name)
            notes.append(
                f"Some events until {day} were deleted before {tag.key} was tracked: what they "
                "cost is in the totals, and here among the events without the tag."
            )
    return notes
