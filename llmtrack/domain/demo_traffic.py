"""Made-up usage that looks like a company's: days and nights, favourite models, a long tail.

The same seed gives the same calls. Nothing here is a measurement of anybody.
"""

import math
import random
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeVar

from llmtrack.domain.events import UsageEvent
from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.usage import ReportedUsage

T = TypeVar("T")


class DemoModel(NamedTuple):
    provider: str
    name: str
    latency_ms: int
    """The median."""


MODELS = (
    DemoModel("openai", "gpt-4o-mini", 700),
    DemoModel("openai", "gpt-4o", 1_400),
    DemoModel("openai", "gpt-4.1", 1_600),
    DemoModel("openai", "gpt-4.1-mini", 800),
    DemoModel("anthropic", "claude-sonnet-4-5", 2_100),
    DemoModel("anthropic", "claude-haiku-4-5", 900),
    DemoModel("anthropic", "claude-opus-4-1", 3_400),
    DemoModel("anthropic", "claude-3-5-haiku-latest", 1_000),
    DemoModel("google", "gemini-2.5-flash", 600),
    DemoModel("google", "gemini-2.5-pro", 2_600),
    DemoModel("google", "gemini-2.0-flash", 550),
    DemoModel("google", "gemini-2.5-flash-lite", 400),
    DemoModel("mistral", "mistral-large-latest", 1_900),
    DemoModel("mistral", "mistral-small-latest", 650),
    DemoModel("mistral", "codestral-latest", 750),
    DemoModel("mistral", "ministral-8b-latest", 350),
    DemoModel("deepseek", "deepseek-chat", 1_700),
    DemoModel("deepseek", "deepseek-reasoner", 6_500),
    DemoModel("x-ai", "grok-4", 3_000),
    DemoModel("x-ai", "grok-3-mini", 1_200),
)
FEATURES = (
    *("chat", "search", "summaries", "support-replies", "code-review", "translation"),
    *("onboarding", "email-drafts", "meeting-notes", "ticket-triage", "sentiment", "tagging"),
    *("contract-review", "invoice-reading", "product-texts", "seo-titles", "faq-bot"),
    *("sales-notes", "lead-scoring", "report-writer", "sql-assistant", "data-cleaning"),
    *("image-captions", "moderation", "recommendations", "release-notes", "test-writer"),
    *("voice-agent", "knowledge-base", "agent-planner"),
)
CUSTOMERS = 2_000
KEYS = 10
ENVIRONMENTS = (("production", 88), ("staging", 9), ("development", 3))
STATUSES = ((0, 970), (1, 20), (2, 6), (3, 4))
_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 11, 12, 12, 11, 9, 7, 6, 5, 5, 4, 3)
_WEEKEND_SHARE = 0.45
HOUR_MS = 3_600_000


class DemoCall(NamedTuple):
    """One made-up call, and which of the workspace's KEYS it came by (0..9)."""

    event: UsageEvent
    key: int


class DemoTraffic:
    """The calls of one made-up company."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - nothing secret, the same every time
        self._seed = seed
        source = self._random
        # Each feature has a model that it mostly uses and two more; a key belongs to a team.
        self._models = [source.sample(range(len(MODELS)), 3) for _ in FEATURES]
        self._keys = [source.randrange(KEYS) for _ in FEATURES]
        self._features = list(accumulate(1 / (place + 2) for place in range(len(FEATURES))))
        self._customers = list(accumulate(1 / (place + 20) for place in range(CUSTOMERS)))
        self._hours = list(accumulate(_HOURS))

    def day(self, start_ms: int, count: int, received_ms: int) -> Iterator[DemoCall]:
        """That many calls of one day, in order of time."""
        hours = self._random.choices(range(24), cum_weights=self._hours, k=count)
        within = self._random.randrange
        times = sorted(start_ms + hour * HOUR_MS + within(HOUR_MS) for hour in hours)
        return self._at(times, received_ms)

    def today(self, now_ms: int, count: int) -> Iterator[DemoCall]:
        """That many calls of the day that is not over, all of them before now."""
        start_ms = now_ms - now_ms % DAY_MS
        begun = _hours_until(now_ms)
        hours = self._random.choices(range(24), weights=begun, k=count)
        within = self._random.randrange
        times = sorted(
            start_ms
            + hour * HOUR_MS
            + within(max(min(HOUR_MS, now_ms - start_ms - hour * HOUR_MS), 1))
            for hour in hours
        )
        return self._at(times, now_ms)

    def _at(self, times: Sequence[int], received_ms: int) -> Iterator[DemoCall]:
        source, count = self._random, len(times)
        features = source.choices(range(len(FEATURES)), cum_weights=self._features, k=count)
        customers = source.choices(range(CUSTOMERS), cum_weights=self._customers, k=count)
        environments = _chosen(source, ENVIRONMENTS, count)
        statuses = _chosen(source, STATUSES, count)
        for at_ms, feature, customer, environment, status in zip(
            times, features, customers, environments, statuses, strict=True
        ):
            call = self._call(at_ms, received_ms, feature, customer)
            call.event.environment = environment
            call.event.status = status
            yield call

    def _call(self, at_ms: int, received_ms: int, feature: int, customer: int) -> DemoCall:
        source = self._random
        main, second, third = self._models[feature]
        draw = source.random()
        model = MODELS[main if draw < 0.75 else second if draw < 0.93 else third]
        asked = int(math.exp(source.gauss(6.6, 0.9)))
        answered = int(math.exp(source.gauss(5.2, 0.8)))
        cached = int(asked * 0.6) if draw < 0.15 and model.provider == "openai" else None
        latency_ms = int(model.latency_ms * math.exp(source.gauss(0, 0.45)) + answered * 2)
        event = UsageEvent(
            provider=model.provider,
            model=model.name,
            timestamp_ms=at_ms,
            received_ms=max(received_ms, at_ms),
            reported=ReportedUsage(
                provider=model.provider,
                input_tokens=asked,
                output_tokens=answered,
                cache_read_tokens=cached,
            ),
            feature=FEATURES[feature],
            customer_id=f"cus_{customer:04d}",
            latency_ms=latency_ms,
            idempotency_key=f"demo-{self._seed}-{source.getrandbits(80):x}",
        )
        return DemoCall(event, self._keys[feature] if draw < 0.9 else (feature + customer) % KEYS)


def day_shares(days: int, now_ms: int) -> list[float]:
    """How the calls of `days` days spread over them: growing, and fewer at weekends.

    The last is today, which has had its calls until now.
    """
    first_day = now_ms // DAY_MS - days + 1
    weights = [
        (1 + place / days) * (_WEEKEND_SHARE if (first_day + place + 3) % 7 >= 5 else 1)
        for place in range(days)
    ]
    weights[-1] *= sum(_hours_until(now_ms)) / sum(_HOURS)
    return [weight / sum(weights) for weight in weights]


def _hours_until(now_ms: int) -> list[float]:
    """The weight of each hour of today, of the one that is going on its part until now."""
    gone = max(now_ms % DAY_MS, 1) / HOUR_MS
    return [weight * min(max(gone - hour, 0), 1) for hour, weight in enumerate(_HOURS)]


def _chosen(source: random.Random, weighted: Sequence[tuple[T, int]], count: int) -> list[T]:
    values = [value for value, _ in weighted]
    return source.choices(values, weights=[weight for _, weight in weighted], k=count)
