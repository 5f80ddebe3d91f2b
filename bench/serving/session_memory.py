"""What a model takes in a process that has all imports: `python -m bench.serving.session_memory`
and its file prints MiB."""

import os
import sys
from pathlib import Path

from bench.footprint import pss
from bench.serving import forest

if __name__ == "__main__":
    forest.rows(1)
    before = pss(os.getpid())
    session = forest.session(Path(sys.argv[1]), threads=4)
    forest.predictions(session, 1)
    print(pss(os.getpid()) - before)
