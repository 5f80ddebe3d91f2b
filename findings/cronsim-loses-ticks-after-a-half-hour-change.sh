#!/usr/bin/env bash
# cronsim 2.8: where a clock is set by half an hour, ticks are missing hours later on that day, and
# which ones depends on the instant that one asks from. (Australia/Lord_Howe, 2026-10-04: 02:00
# becomes 02:30.)
# Expected: `0 */6 * * *` is due at 00:00, 06:00, 12:00 and 18:00, whoever asks when.
# Seen: asked before midnight there is no 06:00, asked after the change there is; `*/15 9 * * *`
# has two of its four ticks, or all four. croniter 7.0.0 has them all.
# So Rondo has cronsim read the fields and finds the instants itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    cronsim==2.8 croniter==7.0.0 tzdata==2026.6
cat >"$folder/show.py" <<'PY'
from datetime import datetime
from importlib.metadata import version
from itertools import islice
from zoneinfo import ZoneInfo

from croniter import croniter
from cronsim import CronSim

ZONE = ZoneInfo("Australia/Lord_Howe")
BEFORE, AFTER = (
    datetime.fromisoformat(text).replace(tzinfo=ZONE)
    for text in ("2026-10-03T23:59:00", "2026-10-04T03:00:00")
)
NINE = ["09:00", "09:15", "09:30", "09:45"]


def seen(ticks, after):
    """Those of the day of the change."""
    times = [at for at in ticks if at.astimezone(ZONE).day == 4]
    found = [at.astimezone(ZONE).strftime("%H:%M") for at in times]
    print(f"  asked from {after:%d %H:%M}: {' '.join(found)}")
    return found


print("cronsim", version("cronsim"))
found = {}
for expression in ("0 */6 * * *", "*/15 9 * * *"):
    print(expression)
    found[expression] = [seen(islice(CronSim(expression, at), 4), at) for at in (BEFORE, AFTER)]
print("croniter", version("croniter"))
other = croniter("*/15 9 * * *", BEFORE)
assert seen((other.get_next(datetime) for _ in range(4)), BEFORE) == NINE
assert found == {
    "0 */6 * * *": [["00:00", "12:00", "18:00"], ["06:00", "12:00", "18:00"]],
    "*/15 9 * * *": [["09:30", "09:45"], NINE],
}, "cronsim has changed"
PY
PYTHONTZPATH="" "$folder/venv/bin/python" "$folder/show.py"
