"""The inference service by its contract with the api; what it infers is the request that it got."""

import asyncio
import json

from aiohttp import web

INFER = "/v1/api/pipelines/infer/{deployment}/{pipeline}"


class InferenceService:
    """`seen` are the positions that it was asked about. Requests for the pipeline `slow` never end
    but by their callers, which `hung_up` counts; those for `refused` are refused, `long` has a long
    answer, and `broken` one that breaks off."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.tokens: set[str] = set()
        self.hung_up = 0

    def application(self) -> web.Application:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_post(INFER, self.infer)
        app.router.add_get("/internal/seen", self.saw)
        return app

    async def saw(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers["Rondo-Internal-Token"])
        self.seen.append(int(request.query["seq"]))
        return web.Response()

    async def infer(self, request: web.Request) -> web.StreamResponse:
        match request.match_info["pipeline"]:
            case "slow":
                await self._until_gone(request)
            case "refused":
                body = {"code": 400, "status": "Error", "error": "no", "source": "engine"}
                return web.json_response(body, status=400)
            case "long":
                return await self._long(request, [b"0" * 100_000] * 10)
            case "broken":
                await self._long(request, [b"0" * 1000])
                raise ConnectionAbortedError
        text = (await request.read()).decode("latin-1")
        headers = {name.lower(): text for name, text in request.headers.items()}
        echo = {"path": request.raw_path, "headers": headers, "body": text}
        return web.Response(text=json.dumps(echo), content_type="application/json")

    async def _until_gone(self, request: web.Request) -> None:
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        self.hung_up += 1

    async def _long(self, request: web.Request, pieces: list[bytes]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-long"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response
