"""A server full of a story: search made more requests yesterday, and that cost."""

import json
import random
import time
from typing import Any

from tests.system.conftest import Appliance

DAY_MS = 86_400_000
DAYS = 40
LONG = "our-own-finetune-without-any-space-" + "x" * 165
"""As long as a name can be."""
MODELS = {
    "gpt-4o-mini": ("openai", 900),
    "gpt-4o": ("openai", 2_000),
    "claude-sonnet-4-5": ("anthropic", 9_000),
    LONG: ("own", 500),
}
FEATURES = ("chat", "summaries", "בינה מלאכותית", "a-feature-that-does-not-end/" + "v" * 172)
CUSTOMERS = (("cora", "Cora Ltd", 6), ("noor", "شركة النور", 2), ("formula", "=1+1", 1))
LONG_CUSTOMER = ("c" * 200, "n" * 200, 1)


def fill(appliance: Appliance, key: str) -> None:
    """About 1,500 events of the last 40 days, the same in every run but for the time."""
    source = random.Random(7)  # noqa: S311 - nothing secret
    now_ms = int(time.time() * 1000)
    midnight_ms = now_ms // DAY_MS * DAY_MS
    events = []
    for age in range(DAYS, -1, -1):
        day_ms = midnight_ms - age * DAY_MS
        searches = 90 if age == 1 else 15
        end_ms = min(day_ms + DAY_MS, now_ms)
        for place in range(15 + searches):
            feature = "search" if place < searches else source.choice(FEATURES)
            timestamp_ms = source.randrange(day_ms, max(end_ms, day_ms + 1))
            events.append(_event(source, feature, timestamp_ms))
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for first in range(0, len(events), 1000):
        body = json.dumps(events[first : first + 1000]).encode()
        status, _ = appliance.post(body, headers, "/api/ingest/batch")
        assert status == 207


def _event(source: random.Random, feature: str, timestamp_ms: int) -> dict[str, Any]:
    model = source.choice(list(MODELS))
    provider, latency_ms = MODELS[model]
    chosen = source.choice(CUSTOMERS)
    customer_id, customer_name, weight = LONG_CUSTOMER if feature == FEATURES[3] else chosen
    return {
        "provider": provider,
        "model": model,
        "prompt_tokens": 500 * weight + source.randrange(200),
        "completion_tokens": 100 * weight,
        "feature": feature,
        "customer_id": customer_id,
        "customer_name": customer_name,
        "latency_ms": latency_ms + source.randrange(300),
        "status": "error" if source.random() < 0.03 else "success",
        "timestamp": timestamp_ms,
        "metadata": {"team": source.choice(["red", "blue"])},
    }
