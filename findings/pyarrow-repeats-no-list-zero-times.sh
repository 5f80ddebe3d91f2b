#!/usr/bin/env bash
# pyarrow 26.0.1: repeat of a scalar of a list 0 times raises.
# Expected: an empty array of the list's type, as repeat gives for numbers and texts.
# Seen: ArrowInvalid: Must pass at least one array.
# We make the empty array ourselves (services/inference/engine/arrow_answer.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PY'
import sys

import pyarrow as pa

assert pa.repeat(pa.scalar(7), 0).to_pylist() == []
try:
    found = pa.repeat(pa.scalar([7], pa.list_(pa.int64())), 0)
except pa.ArrowInvalid as problem:
    print(f"pyarrow {pa.__version__}: expected an empty array, got: {problem}")
    sys.exit(0)
print(f"pyarrow {pa.__version__}: {found.to_pylist()}")
sys.exit(1)
PY
