"""Greets who is named in its arguments, in a few languages."""

import json
from pathlib import Path

from humanize import intcomma

arguments = json.loads((Path.home() / "arguments.json").read_text())
print("arguments:", arguments)

for greeting in ("Hello", "Hallo", "Bonjour", "Ciao"):
    print(f"{greeting}, {arguments.get('name', 'world')}!")

print("counted to", intcomma(sum(range(1_000_000))))
