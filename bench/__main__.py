"""All figures, one part after the other."""

import importlib
import sys

from bench.figure import Figure, show

PARTS = ("start", "road")


def main() -> None:
    figures: list[Figure] = []
    for part in PARTS:
        print(f"measuring: {part} ...", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"bench.{part}").measure()
    show(figures)


if __name__ == "__main__":
    main()
