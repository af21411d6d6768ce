"""What somebody must know who reads usage of which events were deleted."""

from llmtrack.storage.scope import ScopedReading

DELETED = (
    "Events of this period were deleted. They are still in sums by one dimension, and in those "
    "by two that are kept; what has to be counted event by event is without them."
)


def deletion_notes(reading: ScopedReading) -> list[str]:
    """Once all is read: a sentence if some of it was counted where events are missing."""
    return [DELETED] if reading.lacks_deleted else []
