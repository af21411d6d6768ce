"""Whose days the day tables count: a reader gets a zone only when all rows are its days."""

from llmtrack.storage.counting import READ_DAY_ZONE
from llmtrack.storage.scope import ScopedReading


async def days_zone(reading: ScopedReading) -> str:
    """Whose days every row of the day tables is about; "" while they are being moved."""
    if reading.day_zone is None:
        [row] = await reading.rows(READ_DAY_ZONE)
        reading.day_zone = row[0] if row[1] is None else ""
    return reading.day_zone


async def are_days_of(reading: ScopedReading, time_zone: str) -> bool:
    return await days_zone(reading) == time_zone
