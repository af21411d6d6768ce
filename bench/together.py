"""Pages while events come in, and events while a page is looked at over and over."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure, median, quantile
from bench.load import run_load
from bench.pages import Browser
from bench.servers import Process, product, run

CONNECTIONS = 64
RELOADS_PER_S = 10
PATHS = (
    *("", "?by=customer", "?period=24h&by=feature", "?period=90d&by=provider"),
    *("explore?by=model", "explore?period=90d&by=feature&sub=model", "changes?by=feature"),
    *("events", "events?model=gpt-4o"),
)
"""Below a workspace: one of each kind of page."""


def together_figures(data_dir: Path, key: str, *, rounds: int, seconds: int) -> list[Figure]:
    """Of the data set: pages of its first workspace, events into the one that `key` is of.

    And into the first one itself, whose pages wait for the sums of what has just come.
    """
    listed = json.loads(run(data_dir, "workspaces", "list", "--json"))
    demo = next(found["id"] for found in listed if found["name"] == "Demo")
    made = json.loads(run(data_dir, "keys", "create", "-w", demo, "--name", "bench", "--json"))
    return [
        *_figures(data_dir, (demo, key, ""), rounds=rounds, seconds=seconds),
        *_figures(
            data_dir, (demo, made["key"], ", same workspace"), rounds=rounds, seconds=seconds
        ),
    ]


def _figures(
    data_dir: Path, whose: tuple[str, str, str], *, rounds: int, seconds: int
) -> list[Figure]:
    demo, key, where = whose
    with product(data_dir) as process:
        process.wait_until_at_rest()
        browser = Browser(process.url)
        paths = [f"/w/{demo}/{path}" for path in PATHS]
        alone = median([run_load(process.url, key, seconds=seconds).rate for _ in range(rounds)])
        process.wait_until_at_rest()
        idle = _page_times(browser, paths, rounds)
        delay_ms = CONNECTIONS / (alone / 2) * 1000
        with _load_beside(process, key, delay_ms):
            busy = _page_times(browser, paths, rounds)
        with _reloads_beside(browser, f"/w/{demo}/") as reloads:
            beside = [run_load(process.url, key, seconds=seconds).rate for _ in range(rounds)]
        memory = process.memory_mib()
    return [
        Figure(
            f"pages while ingesting at half the rate, of idle{where}",
            f"median {median(idle):.1f} ms idle",
            f"median {median(busy):.1f} ms",
            f"{quantile(busy, 0.99):.1f} ms",
            f"{memory:.0f} MiB",
            median(busy) / median(idle),
            2,
            more=False,
        ),
        Figure(
            f"ingest while a page is reloaded 10 times a second, of alone{where}",
            f"{alone:,.0f}/s alone",
            f"{median(beside):,.0f}/s",
            f"page {quantile(reloads, 0.99):.0f} ms",
            "",
            median(beside) / alone,
            0.8,
        ),
    ]


def _page_times(browser: Browser, paths: list[str], rounds: int) -> list[float]:
    for path in paths:
        browser.time_ms(path)
    return [browser.time_ms(path) for _ in range(rounds) for path in paths]


@contextmanager
def _load_beside(process: Process, key: str, delay_ms: float) -> Iterator[None]:
    """One short run after the other until the block ends."""
    ended = threading.Event()

    def send() -> None:
        while not ended.is_set():
            run_load(process.url, key, seconds=2, connections=CONNECTIONS, delay_ms=delay_ms)

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(1)
    yield
    ended.set()
    sender.join()


@contextmanager
def _reloads_beside(browser: Browser, path: str) -> Iterator[list[float]]:
    """Loads a page RELOADS_PER_S times a second, or as often as it can; how long each took."""
    ended = threading.Event()
    times: list[float] = []

    def reload() -> None:
        due = time.monotonic()
        while not ended.is_set():
            times.append(browser.time_ms(path))
            due += 1 / RELOADS_PER_S
            time.sleep(max(0, due - time.monotonic()))

    reloader = threading.Thread(target=reload)
    reloader.start()
    yield times
    ended.set()
    reloader.join()
