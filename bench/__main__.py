"""`python -m bench [PART ...] [--full] [--json FILE]`: all parts, or those that are named."""

import argparse
import importlib
import inspect
import sys
import time
import traceback
from pathlib import Path

from bench.figure import Figure, as_json, show

# The cheap ones first: the others leave more behind in the machine's caches.
PARTS = (
    *("start", "road", "runs", "packaging", "lines", "reads", "pages", "growth", "footprint"),
    "inference",
)


def main() -> None:
    given = parsed(sys.argv[1:])
    figures: list[Figure] = []
    failed = False
    for part in given.part:
        begun, said = time.perf_counter(), "measured"
        try:
            figures += _measured(part, given.full)
        except Exception:  # the others' figures are worth having
            traceback.print_exc()
            failed, said = True, "failed"
        seconds = time.perf_counter() - begun
        print(f"{said}: {part}, {seconds:.0f} s", file=sys.stderr, flush=True)
    show(figures)
    if given.json:
        given.json.write_text(as_json(figures))
    sys.exit(failed)


def parsed(arguments: list[str]) -> argparse.Namespace:
    """What is asked for: `part` (all, where none is named), `full`, `json`."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    # Not `choices`: some Pythons check them even for no argument at all.
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all, if none is named")
    parser.add_argument(
        "--full",
        action="store_true",
        help="1,000,000 runs, 10,000,000 lines; pages at 100,000 runs",
    )
    parser.add_argument("--json", type=Path, help="a file for the figures as JSON")
    given = parser.parse_args(arguments)
    given.part = given.part or list(PARTS)
    if unknown := [part for part in given.part if part not in PARTS]:
        parser.error(f"part: there is no {unknown[0]}; name some of {', '.join(PARTS)}")
    return given


def _measured(part: str, full: bool) -> list[Figure]:
    measure = importlib.import_module(f"bench.{part}").measure
    sized = "full" in inspect.signature(measure).parameters
    return list(measure(full) if sized else measure())


if __name__ == "__main__":
    main()
