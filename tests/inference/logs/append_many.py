"""A gateway that appends MOST records, says after each what it has appended, and stays.

python append_many.py FOLDER FIRST [MAX_FILE_BYTES]
"""

import signal
import sys
from pathlib import Path

from libs.service.disk_reserve import DiskReserve
from services.inference.logs.write import MAX_FILE_BYTES, Writer
from tests.inference.logs.records import AT, head, json_body, numbered

MOST = 2000

if __name__ == "__main__":
    most = int(sys.argv[3]) if len(sys.argv) > 3 else MAX_FILE_BYTES
    writer = Writer(Path(sys.argv[1]), DiskReserve(None, 0), max_bytes=most)
    first = int(sys.argv[2])
    for number in range(first, first + MOST):
        writer.append(head(numbered(number), AT + number), json_body([[float(number)] * 18]))
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
    signal.pause()
