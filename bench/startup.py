"""Start, idle and stop."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from bench.figures import Figure, median
from bench.load import run_load
from bench.servers import product
from llmtrack.config import resource_dir
from llmtrack.web.render import COMPILE_PAUSE_S


def startup_figures(data_dir: Path, key: str, *, rounds: int, idle_s: int) -> list[Figure]:
    helps = [_help_ms() for _ in range(rounds)]
    ready = []
    for _ in range(rounds):
        with product(data_dir) as process:
            ready.append(process.ready_s)
    with product(data_dir) as process:
        time.sleep(_warm_s())
        before = process.cpu_s
        time.sleep(idle_s)
        idle = (process.cpu_s - before) / idle_s * 100
        memory = process.memory_mib("VmRSS")
    stop_s = _stop_under_load_s(data_dir, key)
    return [
        _figure("llmtrack --help, ms", median(helps), 150),
        _figure("ready, s", median(ready), 1),
        _figure("idle memory, MiB", memory, 80),
        _figure("idle CPU, %", idle, 0.5),
        _figure("stop under load, s", stop_s, 2),
    ]


def _warm_s() -> float:
    """Until all templates are compiled, which is work of the start."""
    return 2 + len(list((resource_dir() / "templates").glob("*.html"))) * (COMPILE_PAUSE_S + 0.05)


def _help_ms() -> float:
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "llmtrack", "--help"], check=True, stdout=subprocess.DEVNULL
    )
    return (time.perf_counter() - begun) * 1000


def _stop_under_load_s(data_dir: Path, key: str) -> float:
    with product(data_dir) as process:
        load = threading.Thread(target=_try_load, args=(process.url, key))
        load.start()
        time.sleep(2)
        begun = time.monotonic()
    stopped = time.monotonic() - begun
    load.join()
    return stopped


def _try_load(url: str, key: str) -> None:
    run_load(url, key, seconds=4)


def _figure(name: str, value: float, must: float) -> Figure:
    return Figure(name, "", f"{value:.3g}", "", "", value, must, more=False)
