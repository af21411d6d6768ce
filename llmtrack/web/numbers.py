"""Figures as people read them; what a short form drops stands in its `title`."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import partial

from markupsafe import Markup, escape

from llmtrack.domain.currencies import DisplayCurrency
from llmtrack.domain.money import PICO_PER_USD, usd_text
from llmtrack.domain.periods import rfc3339, zone

NOTHING = Markup("\N{EN DASH}")
CENT = Decimal("0.01")
_MINOR_UNITS = [Decimal(1).scaleb(-digits) for digits in range(5)]
SMALLEST_SHOWN = Decimal("0.000001")
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


# A page has hundreds: `%` escapes as `format` does, in a third of the time.
_TITLED = Markup('<span title="%s">%s</span>')
_TIME = Markup('<time datetime="%s" title="%s">%s</time>')
_SHOWN: ContextVar[DisplayCurrency | None] = ContextVar("shown_currency", default=None)


@contextmanager
def shown_in(currency: DisplayCurrency | None) -> Iterator[None]:
    """Show amounts in this currency while a page is made; None is US dollars."""
    token = _SHOWN.set(currency)
    try:
        yield
    finally:
        _SHOWN.reset(token)


def shown_currency() -> DisplayCurrency | None:
    return _SHOWN.get()


def money_unit() -> str:
    """What stands in heads over amounts."""
    shown = _SHOWN.get()
    return shown.currency if shown else "$"


def usd_short(
    pico: int, cents_from: Decimal = CENT, smallest_shown: Decimal = SMALLEST_SHOWN
) -> str:
    """Two decimals, four significant digits below `cents_from` dollars, never a false zero.

    In the currency that the page shows, with its code and as many decimals as it has:
    `EUR 1.38`, `JPY 215`.
    """
    shown = _SHOWN.get()
    if shown is None:
        amount, unit, digits = Decimal(pico) / PICO_PER_USD, "$", 2
    else:
        amount, unit = shown.amount(pico), f"{shown.currency}\N{NO-BREAK SPACE}"
        digits = shown.digits
        cents_from = cents_from.scaleb(2 - digits)
    sign, size = ("-", -amount) if amount < 0 else ("", amount)
    if 0 < size < smallest_shown:
        return f"{sign}<{unit}{smallest_shown:f}"
    return f"{sign}{unit}{_digits(size, digits, cents_from)}"


def _digits(size: Decimal, minor_digits: int, cents_from: Decimal) -> str:
    if size == 0 or size >= cents_from:
        return f"{size.quantize(_MINOR_UNITS[minor_digits], ROUND_HALF_EVEN):,}"
    digits = Decimal(1).scaleb(size.adjusted() - 3)
    whole, _, rest = f"{size.quantize(digits, ROUND_HALF_EVEN):f}".partition(".")
    rest = rest.rstrip("0").ljust(minor_digits, "0")
    return f"{whole}.{rest}" if rest else whole


def usd(pico: int | None, cents_from: Decimal = CENT) -> Markup:
    """The short form, with the exact US dollars as its title where the two differ."""
    if pico is None:
        return NOTHING
    short, exact = usd_short(pico, cents_from), usd_text(pico)
    # "$1.50" and 1.5 are one amount: nothing was dropped.
    plain = short.replace("$", "").replace(",", "")
    if _SHOWN.get() is None and "<" not in plain and Decimal(plain) == Decimal(exact):
        return escape(short)
    return _titled(short, f"{'-' if pico < 0 else ''}${usd_exact(abs(pico))}")


usd_each_short = partial(usd_short, cents_from=Decimal(1))
"""Of a single request, for which cents would be all alike."""
usd_each = partial(usd, cents_from=Decimal(1))


def usd_exact(pico: int) -> str:
    """All of an amount, as people read it: 1,234.5."""
    whole, point, rest = usd_text(abs(pico)).partition(".")
    return f"{'-' if pico < 0 else ''}{int(whole):,}{point}{rest}"


def usd_digits(picos: Iterable[int]) -> int:
    """How many decimals it takes to write every one of some amounts exactly; at least two."""
    return max([2, *(len(usd_text(pico).partition(".")[2]) for pico in picos)])


def usd_column(pico: int, digits: int) -> str:
    """An exact amount as it stands under others of so many decimals: 1,234.5600."""
    whole, _, rest = usd_text(abs(pico)).partition(".")
    return f"{'-' if pico < 0 else ''}{int(whole):,}.{rest.ljust(digits, '0')}"


def num(count: int | None) -> str:
    return NOTHING if count is None else f"{count:,}"


def tokens_short(count: int) -> str:
    """Three digits and a unit: 1,234 -> 1.23k, 45,600,000 -> 45.6M."""
    for unit, size in (("", 1), ("k", 10**3), ("M", 10**6), ("B", 10**9), ("T", 10**12)):
        scaled = Decimal(count) / size
        text = f"{count:,}" if size == 1 else f"{_three_digits(scaled)}{unit}"
        # 999,950 rounds to 1000k: the next unit says it better.
        if abs(Decimal(_three_digits(scaled))) < 1000 or unit == "T":
            return text
    raise AssertionError("the last unit takes everything")


def tokens(count: int | None) -> Markup:
    if count is None:
        return NOTHING
    short = tokens_short(count)
    return escape(short) if abs(count) < 1000 else _titled(short, f"{count:,}")


def bytes_text(count: int) -> str:
    """In units of 1024, as tools on a server tell sizes."""
    scaled, unit = float(count), "B"
    for name in ("KiB", "MiB", "GiB", "TiB"):
        if scaled < 1024:
            break
        scaled, unit = scaled / 1024, name
    return f"{count:,} B" if unit == "B" else f"{scaled:,.1f} {unit}"


def percent(part: int, whole: int) -> str:
    """A share of a whole; what is there but small never reads as none of it."""
    if not whole:
        return NOTHING
    hundredths = round(part * 10_000 / whole)
    if part and not hundredths:
        return "<0.01%"
    if part != whole and hundredths == 10_000:
        return ">99.99%"
    if hundredths >= 1_000:
        return f"{part * 100 / whole:.0f}%" if part == whole else f"{part * 100 / whole:.1f}%"
    return f"{hundredths / 100:.2f}%" if hundredths else "0%"


def milliseconds(duration_ms: float | None) -> str:
    if duration_ms is None:
        return NOTHING
    if duration_ms < 1_000:
        return f"{duration_ms:.0f} ms"
    if duration_ms < 100_000:
        return f"{duration_ms / 1_000:.{2 if duration_ms < 10_000 else 1}f} s"
    minutes = round(duration_ms / 60_000)
    if minutes < 60:
        return f"{duration_ms / 60_000:.1f} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(round(duration_ms / 3_600_000), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def ago_short(timestamp_ms: int, now_ms: int) -> str:
    seconds = (now_ms - timestamp_ms) // 1000
    for limit, size, unit in (
        (MINUTE_S, 1, "s"),
        (HOUR_S, MINUTE_S, "min"),
        (2 * DAY_S, HOUR_S, "h"),
        (90 * DAY_S, DAY_S, "d"),
    ):
        if abs(seconds) < limit:
            count = abs(seconds) // size
            return f"in {count} {unit}" if seconds < 0 else f"{count} {unit} ago"
    months = abs(seconds) // (30 * DAY_S)
    return f"in {months} months" if seconds < 0 else f"{months} months ago"


def ago(timestamp_ms: int | None, now_ms: int) -> Markup:
    if timestamp_ms is None:
        return Markup("never")
    return _time(timestamp_ms, ago_short(timestamp_ms, now_ms), f"{when_text(timestamp_ms)} UTC")


def when_text(timestamp_ms: int, zone_name: str = "UTC") -> str:
    local = datetime.fromtimestamp(timestamp_ms / 1000, UTC).astimezone(zone(zone_name))
    return f"{local.day} {local:%b %Y, %H:%M}"


def when(timestamp_ms: int | None, zone_name: str) -> Markup:
    """A moment in the workspace's zone; the title names zone and seconds."""
    if timestamp_ms is None:
        return Markup("never")
    local = datetime.fromtimestamp(timestamp_ms / 1000, UTC).astimezone(zone(zone_name))
    return _time(timestamp_ms, when_text(timestamp_ms, zone_name), f"{local:%H:%M:%S} {zone_name}")


def moment(timestamp_ms: int, zone_name: str) -> Markup:
    """A moment to the second; the title has milliseconds and the zone."""
    local = datetime.fromtimestamp(timestamp_ms / 1000, UTC).astimezone(zone(zone_name))
    text = f"{local.day} {local:%b %H:%M:%S}"
    title = f"{local:%Y-%m-%d %H:%M:%S}.{timestamp_ms % 1000:03d} {zone_name}"
    return _titled(text, title)


def utc_day(timestamp_ms: int | None) -> str:
    """A day as prices know it, "" for none."""
    if timestamp_ms is None:
        return ""
    day = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    return f"{day.day} {day:%b %Y}"


def when_seconds(timestamp_ms: int, zone_name: str) -> Markup:
    """A time of day to the second, for what is never older than that."""
    local = datetime.fromtimestamp(timestamp_ms / 1000, UTC).astimezone(zone(zone_name))
    return _time(timestamp_ms, f"{local:%H:%M:%S}", f"{local:%d %b %Y} {zone_name}")


def _three_digits(value: Decimal) -> str:
    size = abs(value)
    return f"{value:.{2 if size < 10 else 1 if size < 100 else 0}f}"


def _titled(text: str, title: str) -> Markup:
    return _TITLED % (title, text)


def _time(timestamp_ms: int, text: str, title: str) -> Markup:
    return _TIME % (rfc3339(timestamp_ms), title, text)
