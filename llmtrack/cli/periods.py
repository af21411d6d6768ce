# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""Times and durations that people type after --from, --to and --older-than."""

import re

from llmtrack.domain.errors import InvalidValue


def instant(option: str, text: str, time_zone: str) -> int:
    """Epoch ms of RFC 3339 text or of a date's start in that zone. Raises InvalidValue."""
    from llmtrack.domain.periods import parse_instant

    try:
        return parse_instant(text, time_zone)
    except ValueError as error:
        raise InvalidValue(
            option,
            f"--{option} {text!r} is no time",
            fix="use a date (2026-11-01) or RFC 3339 (2026-11-01T08:00:00Z)",
        ) from error


def month_start_ms(now_ms: int, time_zone: str) -> int:
    """The start of the current month in that zone."""
    from llmtrack.domain.periods import day_number, day_start_ms, local_date, month_start

    return day_start_ms(day_number(month_start(local_date(now_ms, time_zone))), time_zone)


def days(text: str) -> int:
    """`90d` or `12w` as days. Raises InvalidValue."""
    found = re.fullmatch(r"([1-9][0-9]{0,4})([dw])", text)
    if found is None:
        raise InvalidValue(
            "older-than", f"--older-than {text!r} is no duration", fix="use days or weeks: 90d, 12w"
        )
    return int(found[1]) * (7 if found[2] == "w" else 1)
