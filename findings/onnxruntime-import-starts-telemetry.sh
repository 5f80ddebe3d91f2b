#!/usr/bin/env bash
# onnxruntime 1.32.0, the Linux wheel of PyPI: `import onnxruntime` alone starts a thread and writes a
# device id and a database of telemetry events into the home folder.
# Expected: an import that starts nothing and leaves nothing, as numpy's does, and as onnxruntime's own
# earlier wheels for Linux did (1.22.1 below).
# Seen: a second thread for good, and four files in ~/.cache/Microsoft/DeveloperTools/.onnxruntime.
# ORT_DISABLE_TELEMETRY=1, set before the import, stops both; nothing later does. A process that has
# imported it has threads, so it is no good any more to fork others from.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/show.py" <<'PY'
import os
import pathlib
import sys

import numpy  # counted too: it has no thread of its own here
import onnxruntime

threads = len(os.listdir("/proc/self/task"))
files = sorted(path.name for path in pathlib.Path.home().rglob("*") if path.is_file())
print(f"onnxruntime {onnxruntime.__version__}: {threads} thread(s), files at home: {files}")
sys.exit(0 if (threads > 1, "deviceid" in files) == (sys.argv[1] == "starts",) * 2 else 1)
PY
for version in 1.22.1 1.32.0; do
    python3 -m venv "$folder/$version"
    "$folder/$version/bin/pip" install --quiet --disable-pip-version-check \
        "onnxruntime==$version" numpy==2.4.6
done
show() { # version, "starts" or "nothing", more environment
    mkdir -p "$folder/home" && rm -rf "$folder/home/.cache"
    env -u XDG_CACHE_HOME HOME="$folder/home" OPENBLAS_NUM_THREADS=1 "${@:3}" \
        "$folder/$1/bin/python" "$folder/show.py" "$2"
}
show 1.22.1 nothing
show 1.32.0 starts
echo "with ORT_DISABLE_TELEMETRY=1:"
show 1.32.0 nothing ORT_DISABLE_TELEMETRY=1
