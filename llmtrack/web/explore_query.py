"""Explore's own part of the URL: metric, subgroup, rollup, how many, cumulative, compared."""

from dataclasses import dataclass

from llmtrack.domain.spans import Buckets, Span, Step, buckets_of
from llmtrack.domain.timeframes import Timeframe
from llmtrack.storage.dimensions import Dimension
from llmtrack.web.dimension_texts import dimension_text
from llmtrack.web.metrics import DEFAULT_METRIC, METRICS, Metric
from llmtrack.web.page_query import SUB, PageQuery

EXTRAS = ("metric", SUB, "rollup", "top", "cumulative", "compare")
ROLLUPS = {"quarter": Step.QUARTER, "hour": Step.HOUR, "day": Step.DAY, "month": Step.MONTH}
TOPS = (3, 5, 10, 20)
DEFAULT_TOP = 5
BUCKETS_MAX = 400


@dataclass(frozen=True)
class Ask:
    """What is to be shown, and what of the URL could not be."""

    metric: Metric
    sub: str
    rollup: str
    """"" where the period decides."""
    step: Step
    top: int
    cumulative: bool
    compare: bool
    problems: list[str]
    sub_kind: Dimension | None = None
    """What `sub` names."""


def ask_of(query: PageQuery, timeframe: Timeframe, zone_name: str) -> Ask:
    given, problems = query.extras, []
    name = given.get("metric", DEFAULT_METRIC)
    if name not in METRICS:
        problems.append(f"There is no metric {name[:40]!r}; this is the cost.")
        name = DEFAULT_METRIC
    metric = METRICS[name]
    sub = given.get(SUB, "")
    if sub == query.by:  # split by itself, every value is one part: the grouping alone says it all
        sub = ""
    if sub and (sub not in query.dimensions or metric.percentile):
        text = dimension_text(query.by)
        problems.append(f"Cannot split {text} by {sub[:40]!r} here; it is left out.")
        sub = ""
    top = given.get("top", str(DEFAULT_TOP))
    if top not in map(str, TOPS):
        problems.append(f"Cannot show the {top[:20]!r} largest; these are {DEFAULT_TOP}.")
        top = str(DEFAULT_TOP)
    cumulative = given.get("cumulative") == "1"
    if cumulative and not metric.adds_up:
        problems.append(f"{metric.title} does not add up over time; it is not cumulative.")
        cumulative = False
    rollup, step = _step(given.get("rollup", ""), timeframe, zone_name, problems)
    return Ask(
        metric,
        sub,
        rollup,
        step,
        int(top),
        cumulative,
        given.get("compare") == "1",
        problems,
        query.dimensions.get(sub),
    )


def buckets_for(span: Span, ask: Ask, zone_name: str) -> Buckets:
    return buckets_of(span, ask.step, zone_name)


def _step(text: str, timeframe: Timeframe, zone_name: str, problems: list[str]) -> tuple[str, Step]:
    if not text:
        return "", timeframe.step
    if text not in ROLLUPS:
        problems.append(f"There is no rollup {text[:40]!r}.")
        return "", timeframe.step
    step = ROLLUPS[text]
    if step.is_fine and timeframe.span.length_ms > BUCKETS_MAX * 3_600_000:
        problems.append("That many bars cannot be told apart; choose a shorter period.")
        return "", timeframe.step
    if len(buckets_of(timeframe.span, step, zone_name)) > BUCKETS_MAX:
        problems.append("That many bars cannot be told apart; choose a shorter period.")
        return "", timeframe.step
    return text, step
