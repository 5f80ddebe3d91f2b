"""Tests of the SDK and the command line, from their sources, against a real platform."""

import sys
from pathlib import Path

SDK = Path(__file__).parents[2] / "libs" / "sdk"

# They are distributions of their own, which need not be installed beside the platform.
sys.path[:0] = [str(SDK), str(SDK / "alias")]
