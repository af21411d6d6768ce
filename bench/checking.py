"""How long it takes to count everything anew."""

import resource
import time
from pathlib import Path

from bench.figures import Figure
from bench.servers import run


def checking_figures(data_dir: Path) -> list[Figure]:
    """`llmtrack check data` over the data set; fails if a total is not the sum of its events."""
    begun = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(data_dir, "check", "data")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.monotonic() - begun
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    memory_mib = after.ru_maxrss / 1024  # of the largest child so far, which is this one at least
    texts = ("", f"{seconds:.0f} s, {cpu_s:.0f} s of processors", "", f"< {memory_mib:.0f} MiB")
    return [Figure("check data, s", *texts, seconds, 120, more=False)]
