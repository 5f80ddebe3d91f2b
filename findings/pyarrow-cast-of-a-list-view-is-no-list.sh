#!/usr/bin/env bash
# pyarrow 24.0.0 to 26.0.1: a cast from list_view to list gives an array that is no valid list.
# Expected: [[1, 2], [3]], as list to list_view and large_list to list give it; or an error.
# Seen: no error; validate() says that the buffer of offsets is one too short, and [[1]] reads as [[]].
# We rebuild lists of such types from their values (services/inference/logs/arrow_types.py).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - <<'PY'
import sys

import pyarrow as pa

view = pa.array([[1, 2], [3]], pa.list_view(pa.int64()))
view.validate(full=True)
found = view.cast(pa.list_(pa.int64()))
try:
    found.validate(full=True)
except pa.ArrowInvalid as problem:
    print(f"pyarrow {pa.__version__}: expected [[1, 2], [3]], got an array that is invalid: {problem}")
    sys.exit(0)
print(f"pyarrow {pa.__version__}: {found.to_pylist()}")
sys.exit(1)
PY
