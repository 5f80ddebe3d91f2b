"""What users and the other services do, for tests to begin from."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4

import aiohttp

from libs.domain.events import (
    Event,
    OrchestrationReady,
    RunFinished,
    RunRequested,
    RunStarted,
    TaskKilled,
    WorkspaceMemberAdded,
)
from libs.domain.ids import (
    StreamId,
    orchestration_stream,
    run_stream,
    task_stream,
    workspace_stream,
)
from libs.domain.values import RunEnd
from libs.eventlog.envelope import Context
from libs.eventlog.log import EventLog, Proposed
from libs.identity.users import SCHEMA, Users
from libs.postgres import pool
from tests.api.service import PASSWORD, Answer, Service
from tests.archive.zips import packed

HELLO = packed({"main.py": "print('hello')", "requirements.txt": ""})


def form(
    file: bytes | None, metadata: str | None, file_name: str | None = "hello.zip", **more: str
) -> aiohttp.FormData:
    """An upload as clients send it."""
    data = aiohttp.FormData(quote_fields=False, default_to_multipart=True)
    if file is not None:
        kind = "application/octet-stream"
        data.add_field("file", BytesIO(file), content_type=kind, filename=file_name)
    if metadata is not None:
        data.add_field("metadata", metadata, content_type="application/json", **more)
    return data


class World:
    def __init__(self, service: Service, log: EventLog, token: str) -> None:
        self.service = service
        self.log = log
        self.token = token

    async def append(self, stream: StreamId, *events: Event) -> None:
        """As another service would, after what is there."""
        last = await self.log.last(stream)
        expected = last.seq if last else 0
        for event in events:
            context = Context(source="test", actor="test")
            expected = await self.log.append(Proposed(stream, expected, event), context)

    async def post(self, path: str, body: object, status: int = 200) -> Any:
        answer = await self.service.post(path, body, self.token)
        assert answer.status == status, answer.body
        return answer.body

    async def workspace(self) -> int:
        name = f"w-{uuid4()}"
        answer = await self.post("workspaces/create", {"workspace_name": name})
        return int(answer["workspace_id"])

    async def add_member(self, workspace: int, user: UUID) -> None:
        added = WorkspaceMemberAdded(user=str(user), role="collaborator")
        await self.append(workspace_stream(workspace), added)
        await self.service.caught_up()

    async def send(self, data: Any) -> Answer:
        return await self.service.call(
            "POST", "/v1/api/orchestration/upload", self.token, data=data
        )

    async def upload(self, workspace: int, file: bytes = HELLO) -> UUID:
        answer = await self.send(form(file, f'{{"workspace_id": {workspace}}}'))
        assert answer.status == 202, answer.body
        return UUID(answer.body["id"])

    async def orchestration(self, workspace: int) -> UUID:
        """One that is ready, as reads show it."""
        id = await self.upload(workspace)
        ready = OrchestrationReady(environment="base", lock_digest="0")
        await self.append(orchestration_stream(workspace, id), ready)
        await self.service.caught_up()
        return id

    async def task(self, workspace: int, orchestration: UUID, **more: Any) -> UUID:
        body = {"orch_id": str(orchestration), "workspace_id": workspace, "json": {}, **more}
        path = "task/run_scheduled" if "schedule" in more else "task/run_once"
        return UUID((await self.post(path, body, 201))["id"])

    async def ready_task(self, **more: Any) -> tuple[int, UUID]:
        """Its workspace and its id."""
        workspace = await self.workspace()
        task = await self.task(workspace, await self.orchestration(workspace), **more)
        return workspace, task

    async def run(
        self, workspace: int, task: UUID, end: RunEnd | None = None, lines: int | None = None
    ) -> UUID:
        """A run that has begun, and ended if `end` says how; reads show it."""
        id = uuid4()
        events: list[Event] = [
            RunRequested(task=task, scheduled_at=datetime.now(UTC)),
            RunStarted(executor="test"),
        ]
        if end:
            events.append(RunFinished(status=end, reason="exit", exit_code=0, lines=lines))
        await self.append(run_stream(workspace, id), *events)
        await self.service.caught_up()
        return id

    async def killed(self, workspace: int, task: UUID) -> None:
        """As the scheduler makes it true."""
        await self.append(task_stream(workspace, task), TaskKilled())
        await self.service.caught_up()


@asynccontextmanager
async def users(service: Service) -> AsyncIterator[Users]:
    """The service's users, as an administrator's tool would reach them."""
    async with pool.connect(service.dsn, SCHEMA, durable=True, size=2) as database:
        yield Users(database)


async def new_user(service: Service, email: str) -> UUID:
    async with users(service) as known:
        return (await known.create(email, PASSWORD)).id
