"""Runs wrk and reads what it says."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

SCRIPT = Path(__file__).with_name("load.lua")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Load(NamedTuple):
    rate: float
    """Requests answered in a second."""
    requests: int
    p50_ms: float
    p99_ms: float
    refused: int


def has_generator() -> bool:
    return shutil.which("wrk") is not None


def run_load(
    url: str,
    key: str,
    *,
    seconds: int,
    connections: int = 64,
    close: bool = False,
    batch: int = 0,
    delay_ms: float = 0,
) -> Load:
    """One wrk thread: it takes a fraction of a core, so that it is never what is measured."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "20s"]
    command += ["-s", str(SCRIPT), url, "--", key, "close" if close else "keep", str(batch)]
    environment = {**os.environ, "BENCH_DELAY_MS": f"{delay_ms:.0f}"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return _read(done.stdout)


def _read(text: str) -> Load:
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    requests = re.search(r"(\d+) requests in", text)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    if rate is None or requests is None:
        raise RuntimeError(f"wrk said: {text}")
    return Load(
        float(rate[1]),
        int(requests[1]),
        _percentile(text, 50),
        _percentile(text, 99),
        int(refused[1]) if refused else 0,
    )


def _percentile(text: str, percent: int) -> float:
    found = re.search(rf"{percent}%\s+([\d.]+)(us|ms|s|m)", text)
    return float(found[1]) * _UNITS[found[2]] if found else float("nan")
