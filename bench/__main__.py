"""`python -m bench [PART ...] [--full] [--json FILE]`: all parts, or those that are named."""

import argparse
import importlib
import inspect
import sys
import time
from pathlib import Path

from bench.figure import Figure, as_json, show

# The cheap ones first: the others leave more behind in the machine's caches.
PARTS = ("start", "road", "runs", "packaging", "lines", "reads", "pages", "growth", "footprint")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("part", nargs="*", choices=PARTS)
    parser.add_argument(
        "--full",
        action="store_true",
        help="1,000,000 runs, 10,000,000 lines; pages at 100,000 runs",
    )
    parser.add_argument("--json", type=Path, help="a file for the figures as JSON")
    given = parser.parse_args()
    figures: list[Figure] = []
    for part in given.part or PARTS:
        begun = time.perf_counter()
        figures += _measured(part, given.full)
        seconds = time.perf_counter() - begun
        print(f"measured: {part}, {seconds:.0f} s", file=sys.stderr, flush=True)
    show(figures)
    if given.json:
        given.json.write_text(as_json(figures))


def _measured(part: str, full: bool) -> list[Figure]:
    measure = importlib.import_module(f"bench.{part}").measure
    sized = "full" in inspect.signature(measure).parameters
    return list(measure(full) if sized else measure())


if __name__ == "__main__":
    main()
