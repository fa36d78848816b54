"""How fast the dashboard loads many records and redraws after a filter, and how its memory grows.

    python -m tests.benchmarks.bench_dashboard [--records 10000] [--rounds 5] [--classes 6]

Judged is processor time, which busy cores hardly change; the time that passed stands beside it. Exits with 1 when a
limit is exceeded.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from streamlit.testing.v1 import AppTest

from anime_models.record_store import RecordStore
from anime_models.records import peak_rss_mb, write_record
from apps.dashboard.__main__ import PAGE
from apps.dashboard.frame import records_frame
from apps.dashboard.settings import Settings
from tests.small_records import many_records

REPOSITORY = Path(__file__).parents[2]
LOAD_SECONDS = 3.0
REDRAW_SECONDS = 0.5
MEMORY_FACTOR = 1.3  # memory of twice as many records may be so many times twice that of the first half
PAGES = ("overview", "compare", "efficiency", "strategies")


class Seconds(NamedTuple):
    """Time of the processor, and time that passed."""

    processor: float
    passed: float


def main(arguments: list[str] | None = None) -> int:
    """Print every figure beside its limit; 1 when one is exceeded."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--classes", type=int, default=6, help="classes that each record has figures of")
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.load is not None:
        print(*load(options.load), flush=True)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        half, whole = Path(folder) / "half", Path(folder) / "whole"
        for number, record in enumerate(many_records(options.records, options.classes)):
            write_record(record, whole / record.run_id / "record.json")
            if number < options.records // 2:
                write_record(record, half / record.run_id / "record.json")
        met = [check_load(whole, options), check_memory(half, whole), *check_redraw(whole, options)]
    return int(not all(met))


def load(folder: Path) -> tuple[float, float, float]:
    """Seconds of reading a folder into a table (processor, passed), and the memory that it took in MB."""
    before = peak_rss_mb()
    seconds = timed(lambda: records_frame(RecordStore([folder]).snapshot()))
    return (*seconds, peak_rss_mb() - before)


def loaded_apart(folder: Path) -> tuple[float, ...]:
    """The same in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_dashboard", "--load", str(folder)]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    return tuple(map(float, said.split()))


def check_load(folder: Path, options: argparse.Namespace) -> bool:
    """Whether all records are a table in time."""
    rounds = [loaded_apart(folder) for _ in range(min(options.rounds, 3))]
    processor, passed, _ = min(rounds)
    limit = LOAD_SECONDS * options.records / 10_000
    told = f"{processor:.2f} s of the processor ({passed:.2f} s passed), limit {limit:g} s"
    print(f"load {options.records:,} records: {told}")
    return processor <= limit


def check_memory(half: Path, whole: Path) -> bool:
    """Whether twice as many records take about twice the memory."""
    small, large = loaded_apart(half)[2], loaded_apart(whole)[2]
    print(f"memory: {small:.0f} MB for half of the records, {large:.0f} MB for all, limit {2 * MEMORY_FACTOR:g} times")
    return large <= small * 2 * MEMORY_FACTOR


def check_redraw(folder: Path, options: argparse.Namespace) -> list[bool]:
    """Whether pages are drawn again in time after a filter changed, and when nothing did."""
    logging.disable(logging.WARNING)  # Streamlit misses its server at every step
    Settings(sources=(str(folder),), shipped=True).store()
    met = []
    for name in PAGES:
        page = AppTest.from_file(PAGE, default_timeout=600)
        page.switch_page(f"views/{name}.py").run()
        seconds = [timed(partial(redraw, page, number)) for number in range(options.rounds)]
        assert not page.exception
        middle = statistics.median(one.processor for one in seconds)
        passed = statistics.median(one.passed for one in seconds)
        print(f"redraw {name}: {middle * 1000:.0f} ms of the processor ({passed * 1000:.0f} ms passed), limit 500 ms")
        met.append(middle <= REDRAW_SECONDS)
    return met


def redraw(page: AppTest, number: int) -> None:
    """Draw a page again, under another filter where it has any."""
    if any(field.key == "backbone" for field in page.multiselect):
        page.multiselect(key="backbone").set_value([("resnet18", "vit_base_16")[number % 2]])
    page.run()


def timed(job: Callable[[], object]) -> Seconds:
    """How long a job takes."""
    processor, passed = time.process_time(), time.perf_counter()
    job()
    return Seconds(time.process_time() - processor, time.perf_counter() - passed)


if __name__ == "__main__":
    sys.exit(main())
