"""Time zones, buckets and named periods; `now` is always an argument.

A quarter is a UTC 15-minute bucket: every zone in use today has an offset that is a whole
number of quarters, so any local day is a whole number of quarters.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from llmtrack.domain.errors import InvalidValue

QUARTER_MS = 900_000
DAY_MS = 86_400_000
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """The IANA zone of that name. Raises InvalidValue."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidValue(
            "time_zone", f"{name!r} is no time zone", fix="use an IANA name such as Europe/Berlin"
        ) from error


def quarter_of(timestamp_ms: int) -> int:
    return timestamp_ms // QUARTER_MS


def quarter_end_ms(timestamp_ms: int) -> int:
    """The end of the quarter that is running then, or the moment itself between two.

    Up to there a question that means "until now" is answered from sums alone, which know of
    events that were removed as well.
    """
    return -(-timestamp_ms // QUARTER_MS) * QUARTER_MS


@lru_cache(maxsize=65_536)
def day_of_quarter(quarter: int, zone_name: str) -> int:
    """Days since 1970-01-01 of the local date in which a quarter begins."""
    local = datetime.fromtimestamp(quarter * 900, zone(zone_name))
    return local.toordinal() - _EPOCH_ORDINAL


def day_of(timestamp_ms: int, zone_name: str) -> int:
    return day_of_quarter(timestamp_ms // QUARTER_MS, zone_name)


def date_of_day(day: int) -> date:
    return date.fromordinal(day + _EPOCH_ORDINAL)


def day_number(day: date) -> int:
    return day.toordinal() - _EPOCH_ORDINAL


def day_start_ms(day: int, zone_name: str) -> int:
    """Epoch ms of local midnight, or of the first instant after it where a change skips it."""
    local = datetime.combine(date_of_day(day), time(), zone(zone_name))
    start_ms = int(local.timestamp()) * 1000
    # A skipped midnight resolves to an instant of the day before: walk to the day itself.
    while day_of(start_ms, zone_name) < day:
        start_ms += QUARTER_MS
    return start_ms


def month_of(timestamp_ms: int) -> int:
    """UTC month as year * 12 + month - 1: the month that quotas count in."""
    return _month_of_utc_day(timestamp_ms // DAY_MS)


@lru_cache(maxsize=1024)
def _month_of_utc_day(day: int) -> int:
    moment = date_of_day(day)
    return moment.year * 12 + moment.month - 1


def local_date(timestamp_ms: int, zone_name: str) -> date:
    return date_of_day(day_of(timestamp_ms, zone_name))


def month_start(day: date) -> date:
    return day.replace(day=1)


def next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def rfc3339(timestamp_ms: int) -> str:
    """UTC text with milliseconds, RFC 3339: "2026-11-20T12:00:00.000Z"."""
    moment = datetime.fromtimestamp(timestamp_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{timestamp_ms % 1000:03d}Z"


def parse_day(text: str) -> date:
    """A date as in "2026-11-20". Raises ValueError.

    Years are 1970 to 9998, so that what lies around it can be written as well, in any zone.
    """
    if not "1970" <= text[:4] <= "9998":
        raise ValueError(f"{text!r} is not of the years 1970 to 9998")
    return date.fromisoformat(text)


def parse_instant(text: str, zone_name: str = "UTC") -> int:
    """RFC 3339 text, or a bare date (its local midnight), as epoch ms. Raises ValueError.

    A leap second (RFC 3339, 5.7) is the first one of the next UTC day, as in POSIX.
    """
    if len(text) == 10:
        return day_start_ms(day_number(parse_day(text)), zone_name)
    if text[17:19] == "60":
        leap_ms = parse_instant(f"{text[:17]}59{text[19:]}") + 1000
        if leap_ms % DAY_MS >= 1000:
            raise ValueError(f"{text!r} is no leap second")
        return leap_ms
    parse_day(text[:10])
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no UTC offset")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return delta // timedelta(milliseconds=1)
