#!/usr/bin/env bash
# pyarrow 26.0.1 beside pandas 3.0.3: the first array made of a Python list imports pandas, though
# nothing of pandas is asked for.
# Expected: `pyarrow.array([1, 2, 3])` costs what an array costs; a program that never mentions pandas
# never loads it. (pandas is an optional companion of pyarrow.)
# Seen: pandas is in sys.modules after that line, with several hundred modules and tens of MiB. Where
# pandas is not installed, the same line loads none of it. So the memory and the first request of a
# service go by what else lies in its environment.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/show.py" <<'PY'
import resource
import sys

import pyarrow

before, peak = len(sys.modules), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pyarrow.array([1, 2, 3])
more = len(sys.modules) - before
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) // 1024
loaded = "pandas" in sys.modules
print(f"pyarrow {pyarrow.__version__}: pandas loaded: {loaded}, {more} modules and {grown} MiB more")
sys.exit(0 if loaded == (sys.argv[1] == "with") and (more > 300) == loaded else 1)
PY
for kind in without with; do
    python3 -m venv "$folder/$kind"
    "$folder/$kind/bin/pip" install --quiet --disable-pip-version-check \
        pyarrow==26.0.1 numpy==2.4.6 $([ $kind = without ] || echo pandas==3.0.3)
    echo "$kind pandas installed:"
    "$folder/$kind/bin/python" "$folder/show.py" $kind
done
