"""More than the server can take: what it needs, what it refuses and when, and what it loses."""

import http.client
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.figures import Figure, quantile
from bench.load import run_load
from bench.servers import product, set_up
from llmtrack.services.ingest import HOLD_S

SINGLE_CONNECTIONS = 400
"""Six times as many as the other figures have, all sending as fast as they can."""
BATCH = 1000
BATCH_CONNECTIONS = 48
"""More events in flight than the queue holds, and several times what the hold is enough for."""
PROBES = 8
_EVENT = json.dumps({"provider": "openai", "model": "gpt-4o", "prompt_tokens": 9}).encode()


class Answer(NamedTuple):
    status: int
    seconds: float


def overload_figures(directory: Path, *, seconds: int) -> list[Figure]:
    """Single events from many connections, and batches beyond what the hold is enough for."""
    return [
        _overloaded(directory / "overload", seconds),
        *_refused(directory / "overload-batches", seconds),
    ]


def _overloaded(data_dir: Path, seconds: int) -> Figure:
    key = set_up(data_dir)
    with product(data_dir) as ours:
        load = run_load(ours.url, key, seconds=seconds, connections=SINGLE_CONNECTIONS)
        time.sleep(1)
        memory = ours.memory_mib()
    lost = load.requests - load.refused - _stored(data_dir)
    return Figure(
        "memory under overload, MiB",
        f"{SINGLE_CONNECTIONS} connections",
        f"{load.rate:,.0f}/s, {load.refused} refused, {max(lost, 0)} lost",
        f"{load.p99_ms:.0f} ms",
        f"{memory:.0f} MiB",
        memory,
        200,
        more=False,
    )


def _refused(data_dir: Path, seconds: int) -> list[Figure]:
    """Single events beside the batches tell how long it takes to be refused."""
    key = set_up(data_dir)
    with product(data_dir) as ours:
        with _probes(ours.url, key) as answers:
            load = run_load(
                ours.url, key, seconds=seconds, connections=BATCH_CONNECTIONS, batch=BATCH
            )
        time.sleep(1)
        memory = ours.memory_mib()
    taken = sum(answer.status == 200 for answer in answers)
    refusals = [answer.seconds for answer in answers if answer.status == 503]
    kept = (load.requests - load.refused) * BATCH + taken
    lost = max(kept - _stored(data_dir), 0)
    what = f"{BATCH_CONNECTIONS} connections, batches of {BATCH}"
    told = f"{kept:,} taken, {load.refused + len(refusals)} requests refused, {lost} lost"
    waited = f"{quantile([answer.seconds for answer in answers], 0.99) * 1000:.0f} ms"
    return [
        Figure(
            "memory when batches overload, MiB",
            *(what, told, waited, f"{memory:.0f} MiB"),
            memory,
            200,
            more=False,
        ),
        Figure("events lost when batches overload", what, told, "", "", lost, 0, more=False),
        Figure(
            "soonest refusal of a single event, s",
            f"{len(answers)} sent beside them",
            f"{len(refusals)} refused",
            "",
            "",
            min(refusals, default=HOLD_S),
            HOLD_S,
        ),
    ]


def _stored(data_dir: Path) -> int:
    with closing(sqlite3.connect(data_dir / "llmtrack.db")) as connection:
        return int(connection.execute("select count(*) from event").fetchone()[0])


@contextmanager
def _probes(url: str, key: str) -> Iterator[list[Answer]]:
    """Some clients that send one event after the other until the block ends."""
    ended = threading.Event()
    answers: list[Answer] = []
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def send() -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
        while not ended.is_set():
            begun = time.monotonic()
            connection.request("POST", "/api/ingest", _EVENT, headers)
            answer = connection.getresponse()
            answer.read()
            answers.append(Answer(answer.status, time.monotonic() - begun))
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(PROBES)]
    for thread in threads:
        thread.start()
    yield answers
    ended.set()
    for thread in threads:
        thread.join()
