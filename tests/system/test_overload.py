"""Five times more than the disk can take: refused in time and in order, nothing lost.

The disk is made slow, so that the capacity is known and the test's own client is not what is
measured.
"""

import asyncio
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import aiohttp

from llmtrack.services.ingest import COMMIT_EVENTS_MAX, HOLD_S

from .conftest import LONG, Appliance
from .injection import Faults, Injection

SYNC_MS = 1000
BATCH = 500
CAPACITY_PER_S = COMMIT_EVENTS_MAX / (SYNC_MS / 1000)
OVERLOAD = 5
SECONDS = 40 if LONG else 12
MEMORY_MIB_MAX = 200


class Answer(NamedTuple):
    number: int
    status: int
    took_s: float
    retry_after: str | None


async def send(session: aiohttp.ClientSession, url: str, number: int) -> Answer:
    event = {"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}
    body = [event | {"feature": f"batch-{number}"} for _ in range(BATCH)]
    begun = time.monotonic()
    async with session.post(url + "/api/ingest/batch", data=json.dumps(body)) as response:
        await response.read()
        retry_after: str | None = response.headers.get("Retry-After")
        return Answer(number, response.status, time.monotonic() - begun, retry_after)


async def overload(appliance: Appliance, key: str) -> list[Answer]:
    """At a fixed rate, whether or not the last ones were answered."""
    connector = aiohttp.TCPConnector(ssl=appliance.tls, limit=0)
    headers = {"x-api-key": key, "Content-Type": "application/json"}
    pause_s = BATCH / (OVERLOAD * CAPACITY_PER_S)
    async with aiohttp.ClientSession(connector=connector, headers=headers) as session:
        tasks: list[asyncio.Task[Answer]] = []
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            tasks.append(asyncio.create_task(send(session, appliance.url, len(tasks))))
            await asyncio.sleep(pause_s)
        return await asyncio.gather(*tasks)


def peak_mib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) // 1024


def test_what_is_too_much_is_refused_after_the_hold_and_nothing_is_lost(
    appliance: Appliance, injection: Injection
) -> None:
    key = appliance.create_key()["key"]
    appliance.start()
    assert appliance.process is not None
    injection.set(Faults(sync_delay_ms=SYNC_MS))
    answers = asyncio.run(overload(appliance, key))
    injection.set(Faults())
    peak = peak_mib(appliance.process.pid)
    assert appliance.stop() == 0

    statuses = Counter(answer.status for answer in answers)
    taken = max(answer.took_s for answer in answers if answer.status == 207)
    print(f"{dict(statuses)}, peak {peak} MiB, slowest 207 after {taken:.1f} s")  # noqa: T201
    assert set(statuses) == {207, 503}, statuses
    for answer in answers:
        if answer.status == 503:
            assert answer.took_s > HOLD_S - 0.5, "held before it was refused"
            assert answer.retry_after
    stored = Counter(event["feature"] for event in appliance.events())
    acknowledged = {f"batch-{answer.number}" for answer in answers if answer.status == 207}
    assert stored == dict.fromkeys(acknowledged, BATCH), "all of a batch, once, or none of it"
    assert peak < MEMORY_MIB_MAX
