"""`make bench`: one table. `make bench SHORT=1` takes less than three minutes."""

import argparse
import tempfile
from pathlib import Path
from statistics import mean, median

from bench.checking import checking_figures
from bench.columnar import columnar_figures
from bench.dataset import make_dataset
from bench.events import event_figures
from bench.figures import Figure, print_table
from bench.growth import growth_figures
from bench.idempotency import idempotency_figures
from bench.load import has_generator
from bench.overload import overload_figures
from bench.pages import page_figures
from bench.pricing import STRANGE_NAMES, pricing_figures
from bench.startup import startup_figures
from bench.together import together_figures
from bench.writes import batch_figures, latency_figure, single_figures

FAMILIES = ("writes", "batches", "latency", "overload", "keys", "prices", "reads", "start")
LONG_FAMILIES = ("together", "columnar", "check", "growth")
"""Left out of the short form, unless they are asked for."""
ON_DATASET = {"reads", "start", "together", "columnar", "check"}


def main() -> None:
    options = argparse.ArgumentParser(prog="bench", description=__doc__)
    options.add_argument("--short", action="store_true", help="few rounds and a small file")
    events = "of the data set, and the last of growth; default 10,000,000"
    options.add_argument("--events", type=int, help=events)
    options.add_argument("--dataset", type=Path, help="a data directory made by an earlier --keep")
    options.add_argument("--keep", type=Path, help="make the data set here and leave it there")
    options.add_argument(
        "--only", choices=(*FAMILIES, *LONG_FAMILIES), action="append", help="may be repeated"
    )
    asked = options.parse_args()
    if not has_generator():
        raise SystemExit("the load generator is missing: apt install wrk")
    with tempfile.TemporaryDirectory(prefix="llmtrack-bench-") as directory:
        print_table(_measured(asked, Path(directory)))


def _measured(asked: argparse.Namespace, directory: Path) -> list[Figure]:
    wanted = set(asked.only or (FAMILIES if asked.short else (*FAMILIES, *LONG_FAMILIES)))
    rounds, seconds = (2, 2) if asked.short else (5, 5)
    found: list[Figure] = []
    if "writes" in wanted:
        found += single_figures(directory, rounds=rounds, seconds=seconds)
    if "batches" in wanted:
        found += batch_figures(directory, rounds=rounds, seconds=seconds)
    if "latency" in wanted:
        found.append(latency_figure(directory, seconds=seconds))
    if "overload" in wanted:
        found += overload_figures(directory, seconds=5 if asked.short else 60)
    if "keys" in wanted:
        sizes = [100_000] if asked.short else [1_000_000, 10_000_000]
        found += idempotency_figures(directory, sizes)
    if "prices" in wanted:
        found += _price_figures(STRANGE_NAMES // (20 if asked.short else 1))
    if wanted & ON_DATASET:
        found += _on_dataset(asked, directory, wanted, rounds)
    if "growth" in wanted:
        sizes = [10_000, 50_000] if asked.short else [100_000, 1_000_000, 10_000_000]
        if asked.events:
            sizes = [*(size for size in sizes if size < asked.events), asked.events]
        found += growth_figures(directory, sizes, rounds=rounds, seconds=seconds)
    return found


def _price_figures(strange_names: int) -> list[Figure]:
    found = pricing_figures(strange_names)
    slowest = max(found.warm_us, key=found.warm_us.__getitem__)
    return [
        Figure(name, "", f"{value:.3g}", "", "", value, must, more=False)
        for name, value, must in (
            ("price one event, warm, mean of kinds, us", mean(found.warm_us.values()), 10),
            (f"- the slowest kind, {slowest}, us", found.warm_us[slowest], 10),
            ("price a name never seen, median, us", median(found.cold_us), 1_000),
            (f"- the worst of {len(found.cold_us):,}, us", max(found.cold_us), 1_000),
            ("load the price list, ms", found.load_ms, None),
            (f"memory by {strange_names:,} names, MB", found.growth_bytes / 1e6, 10),
        )
    ]


def _on_dataset(
    asked: argparse.Namespace, directory: Path, wanted: set[str], rounds: int
) -> list[Figure]:
    events = asked.events or (50_000 if asked.short else 10_000_000)
    data_dir = asked.dataset or asked.keep or directory / "dataset"
    key_file = data_dir / "bench-key"
    if asked.dataset is None:
        key = make_dataset(data_dir, events)
        key_file.write_text(key)
    key = key_file.read_text()
    found: list[Figure] = []
    if "reads" in wanted:
        found += page_figures(data_dir, rounds=rounds, at_most=60 if asked.short else None)
        found += event_figures(data_dir, rounds=rounds)
    if "columnar" in wanted:
        found += columnar_figures(data_dir, directory, rounds=rounds)
    if "check" in wanted:
        found += checking_figures(data_dir)
    if "together" in wanted:
        found += together_figures(data_dir, key, rounds=rounds, seconds=5)
    if "start" in wanted:
        found += startup_figures(data_dir, key, rounds=rounds, idle_s=5 if asked.short else 30)
    return found


if __name__ == "__main__":
    main()
