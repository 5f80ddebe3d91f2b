"""Fails now and then, as things do: give the task a retry policy and watch it get there."""

import json
import random
import sys
from pathlib import Path

arguments = json.loads((Path.home() / "arguments.json").read_text())
chance = float(arguments.get("chance_of_failure", 0.5))

print("rolling the dice ...")
if random.random() < chance:
    print("bad luck this time", file=sys.stderr)
    raise RuntimeError("the dice fell badly")
print("good luck this time")
