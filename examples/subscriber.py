"""A subscriber on NATS that is told of each event once and in order, also past its own crashes.

    python examples/subscriber.py credentials.json events.log

The first file is the answer of `subscriptions/create`, readable to nobody else. The second is all
that this remembers: a line an event, which begins with the event's place in the log.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

import nats


def resume(kept: Path) -> int:
    """Forgets a line that was cut off; gives the place in the last whole one."""
    whole = kept.read_bytes().rpartition(b"\n")[0] if kept.exists() else b""
    kept.write_bytes(whole + b"\n" if whole else b"")
    return int(whole.rpartition(b"\n")[2].split()[0]) if whole else 0


async def main(credentials: Path, kept: Path) -> None:
    created = json.loads(credentials.read_text())
    access, last = created["nats"], resume(kept)
    client = await nats.connect(
        access["url"],
        user=access["user"],
        password=created["secret"],
        inbox_prefix=access["inbox_prefix"].encode(),
        max_reconnect_attempts=-1,
    )
    consumer = await client.jetstream().pull_subscribe_bind(access["consumer"], access["stream"])
    with kept.open("ab", buffering=0) as file:
        while True:
            try:
                (message,) = await consumer.fetch(1, timeout=30, heartbeat=1)
            except TimeoutError:
                continue  # nothing has happened
            place = message.metadata.sequence.stream
            if place > last:  # else it came before, and only its acknowledgement was lost
                line = f"{place} {message.headers['ce-id']} {message.headers['ce-type']}\n"
                file.write(line.encode())
                os.fdatasync(file)
                last = place
            await message.ack_sync()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
