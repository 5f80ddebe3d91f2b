#!/usr/bin/env bash
# kubernetes-asyncio 36.1.0: a watch that is answered with HTTP 503 and a plain text, as a proxy in
# front of a busy API server does, gives that text to the caller as if it were an event.
# Expected: ApiException with status 503, or a pause and another try.
# Seen: the text as a `str` among the events, and the next request at once, for as long as the
# caller goes on; the status of the answer is not looked at.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    kubernetes-asyncio==36.1.0 aiohttp==3.14.5
cat >"$folder/show.py" <<'PY'
import asyncio, importlib.metadata, sys

from aiohttp import web
from kubernetes_asyncio import client, watch

requests = 0


async def busy(request: web.Request) -> web.Response:
    global requests
    requests += 1
    return web.Response(status=503, text="no healthy upstream")


async def events(port: int) -> list[object]:
    found: list[object] = []
    configuration = client.Configuration(host=f"http://127.0.0.1:{port}")
    async with client.ApiClient(configuration) as api, watch.Watch() as pods:
        stream = pods.stream(client.CoreV1Api(api).list_namespaced_pod, "default", resource_version="1")
        try:
            async for event in stream:
                found.append(event)
                if len(found) == 5:
                    break
        except client.ApiException as error:
            found.append(error.status)
    return found


async def main() -> None:
    app = web.Application()
    app.router.add_get("/api/v1/namespaces/default/pods", busy)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with asyncio.timeout(30):
        found = await events(runner.addresses[0][1])
    await runner.cleanup()
    print("kubernetes-asyncio", importlib.metadata.version("kubernetes-asyncio"))
    print("events:  ", found)
    print("requests:", requests)
    sys.exit(0 if found == ["no healthy upstream"] * 5 and requests == 5 else 1)


asyncio.run(main())
PY
"$folder/venv/bin/python" "$folder/show.py"
