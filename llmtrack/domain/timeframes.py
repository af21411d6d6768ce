"""The periods a page offers, each with the equal stretch before it to compare with."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.periods import (
    DAY_MS,
    date_of_day,
    day_number,
    day_of,
    day_start_ms,
    local_date,
    month_start,
    next_month,
    parse_day,
    quarter_end_ms,
    zone,
)
from llmtrack.domain.spans import Span, Step, aligned, step_for

NAMED = {
    "24h": "Last 24 hours",
    "yesterday": "Yesterday",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
    "90d": "Last 90 days",
    "month": "This month",
    "last-month": "Last month",
}
DEFAULT = "30d"
CUSTOM = "custom"
LONGEST_DAYS = 3_660
HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Timeframe:
    """A period, aligned to quarters, and what it is compared with."""

    key: str
    text: str
    span: Span
    previous: Span
    """As much of the stretch before as has passed of this one, so that the two are equal."""
    previous_text: str
    step: Step


class Field(NamedTuple):
    """What stands in a field for a date or a time."""

    text: str = ""
    offset: str = ""
    """Of a time that clocks show for the second time, for which the field itself has no room."""


def named_timeframe(key: str, now_ms: int, zone_name: str) -> Timeframe:
    """One of NAMED. Raises InvalidValue."""
    if key not in NAMED:
        raise InvalidValue("period", f"{key!r} is no period", fix=f"use {', '.join(NAMED)}")
    today = local_date(now_ms, zone_name)
    if key == "24h":
        return _last_hours(now_ms, zone_name)
    if key == "month":
        first, end = month_start(today), next_month(today)
        before = month_start(first - timedelta(days=1))
        text = "last month to the same day and time"
        return _days(key, (first, end), (before, first), text, now_ms=now_ms, zone_name=zone_name)
    if key == "last-month":
        end = month_start(today)
        first = month_start(end - timedelta(days=1))
        before = month_start(first - timedelta(days=1))
        return _days(
            key,
            (first, end),
            (before, first),
            "the month before",
            now_ms=now_ms,
            zone_name=zone_name,
        )
    if key == "yesterday":
        first = today - timedelta(days=1)
        before = first - timedelta(days=1)
        return _days(
            key,
            (first, today),
            (before, first),
            "the day before",
            now_ms=now_ms,
            zone_name=zone_name,
        )
    count = int(key.removesuffix("d"))
    end = today + timedelta(days=1)
    first = end - timedelta(days=count)
    before = first - timedelta(days=count)
    text = f"the {count} days before, to the same time"
    return _days(key, (first, end), (before, first), text, now_ms=now_ms, zone_name=zone_name)


def custom_timeframe(from_text: str, to_text: str, now_ms: int, zone_name: str) -> Timeframe:
    """From and to as dates (both included) or as times. Raises InvalidValue."""
    for name, text, what in (("from", from_text, "beginning"), ("to", to_text, "end")):
        if not text:
            raise InvalidValue(name, f"a period of one's own needs its {what}, too")
    start_ms = _moment("from", from_text, zone_name, 0)
    end_ms = _moment("to", to_text, zone_name, 1)
    span = aligned(Span(start_ms, end_ms))
    if span.length_ms <= 0:
        raise InvalidValue("to", f"{to_text} is before {from_text}", fix="swap the two")
    if span.length_ms > LONGEST_DAYS * DAY_MS:
        raise InvalidValue("from", f"{from_text} to {to_text} is longer than ten years")
    first, end = day_of(span.start_ms, zone_name), day_of(span.end_ms, zone_name)
    whole = all(
        day_start_ms(day, zone_name) == moment
        for day, moment in ((first, span.start_ms), (end, span.end_ms))
    )
    step = step_for(span)
    if whole:
        dates = (date_of_day(first), date_of_day(end))
        before = (dates[0] - (dates[1] - dates[0]), dates[0])
        count = end - first
        previous_text = "the day before" if count == 1 else f"the {count} days before"
        return _days(CUSTOM, dates, before, previous_text, now_ms=now_ms, zone_name=zone_name)
    passed_ms = span.length_ms
    if span.start_ms <= now_ms < span.end_ms:
        passed_ms = min(quarter_end_ms(now_ms) - span.start_ms, passed_ms)
    before_ms = span.start_ms - span.length_ms
    previous = Span(before_ms, before_ms + passed_ms)
    text = span_text(span, zone_name)
    return Timeframe(CUSTOM, text, span, previous, "the same length before", step)


def _last_hours(now_ms: int, zone_name: str) -> Timeframe:
    """24 hours, the last of which is running."""
    hour = datetime.fromtimestamp(now_ms // 1000, zone(zone_name))
    passed_ms = (hour.minute * 60 + hour.second) * 1000
    end_ms = (now_ms // 1000 * 1000) - passed_ms + HOUR_MS
    span = aligned(Span(end_ms - DAY_MS, end_ms))
    now = quarter_end_ms(now_ms)
    previous = Span(span.start_ms - DAY_MS, min(span.end_ms, now) - DAY_MS)
    return Timeframe("24h", NAMED["24h"], span, previous, "the 24 hours before", Step.HOUR)


def _days(
    key: str,
    dates: tuple[date, date],
    before: tuple[date, date],
    previous_text: str,
    *,
    now_ms: int,
    zone_name: str,
) -> Timeframe:
    """Whole local days; of the days before as much as has passed of these."""
    span = _span_of(dates, zone_name)
    whole = _span_of(before, zone_name)
    previous = whole
    today = local_date(now_ms, zone_name)
    if dates[0] <= today < dates[1]:
        passed_days = (today - dates[0]).days
        now = quarter_end_ms(now_ms)
        passed_ms = now - day_start_ms(day_number(today), zone_name)
        same_day = day_start_ms(day_number(before[0]) + passed_days, zone_name)
        previous = Span(whole.start_ms, min(same_day + passed_ms, whole.end_ms))
    text = NAMED.get(key) or span_text(span, zone_name)
    return Timeframe(key, text, span, previous, previous_text, step_for(span))


def _span_of(dates: tuple[date, date], zone_name: str) -> Span:
    first, end = (day_start_ms(day_number(day), zone_name) for day in dates)
    return Span(first, end)


def _moment(name: str, text: str, zone_name: str, date_shift_days: int) -> int:
    """Epoch ms of a date's midnight, or of a time in the zone unless it has its own offset."""
    try:
        if len(text) == len("2026-11-24"):
            return day_start_ms(day_number(parse_day(text)) + date_shift_days, zone_name)
        parse_day(text[:10])
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone(zone_name))
        return int(moment.timestamp() * 1000)
    except ValueError as error:
        raise InvalidValue(
            name, f"{text!r} is no date", fix="write it as 2026-11-24 or 2026-11-24T13:00"
        ) from error


def with_offset(text: str, offset: str, zone_name: str) -> str:
    """A field's text with the offset that was sent beside it, if it is a time that comes twice.

    Somebody may have changed the field, and not what is beside it.
    """
    try:
        local, exact = datetime.fromisoformat(text), datetime.fromisoformat(text + offset)
    except ValueError:
        return text
    if exact.tzinfo is None or exact.replace(tzinfo=None) != local:
        return text
    second = local.replace(tzinfo=zone(zone_name), fold=1)
    is_second = _comes_twice(second) and second.utcoffset() == exact.utcoffset()
    return text + offset if is_second else text


def _comes_twice(local: datetime) -> bool:
    return local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()


def field_values(span: Span, zone_name: str) -> tuple[Field, Field]:
    """What stands in the fields of a period: first and last date, or local times."""
    days = day_of(span.start_ms, zone_name), day_of(span.end_ms, zone_name)
    if span.length_ms and Span(*(day_start_ms(day, zone_name) for day in days)) == span:
        first, end = map(date_of_day, days)
        return Field(first.isoformat()), Field((end - timedelta(days=1)).isoformat())
    return _time_field(span.start_ms, zone_name), _time_field(span.end_ms, zone_name)


def _time_field(timestamp_ms: int, zone_name: str) -> Field:
    local = datetime.fromtimestamp(timestamp_ms // 1000, zone(zone_name))
    offset = local.isoformat(timespec="minutes")[len("2026-11-24T13:00") :]
    return Field(f"{local:%Y-%m-%dT%H:%M}", offset if local.fold else "")


def span_text(span: Span, zone_name: str) -> str:
    """As people read it: whole days as dates, else with times of day."""
    first, last, end = (
        datetime.fromtimestamp(ms // 1000, zone(zone_name))
        for ms in (span.start_ms, span.end_ms - 1, span.end_ms)
    )
    # A day may begin at another time than midnight, or have two of it.
    whole = all(ms == day_start_ms(day_of(ms, zone_name), zone_name) for ms in span)
    if whole and first.date() == last.date():
        return f"{first.day} {first:%b %Y}"
    if whole:
        year = "" if first.year == last.year else f" {first.year}"
        return f"{first.day} {first:%b}{year} to {last.day} {last:%b %Y}"
    # Where the clocks change, a time of day may be there twice.
    is_moved = first.utcoffset() != end.utcoffset()
    is_unclear = is_moved or _comes_twice(first) or _comes_twice(end)
    clock = "%H:%M %Z" if is_unclear else "%H:%M"
    if first.date() == last.date() and is_unclear and not is_moved:
        # Once is enough, and early: buttons have no room for the end of a long text.
        return f"{first.day} {first:%b %Y %Z}, {first:%H:%M} to {end:%H:%M}"
    if first.date() == last.date():
        return f"{first.day} {first:%b %Y}, {first:{clock}} to {end:{clock}}"
    year = "" if first.year == end.year else f" {first.year}"
    return f"{first.day} {first:%b}{year}, {first:{clock}} to {end.day} {end:%b %Y}, {end:{clock}}"
