"""A history told event by event, with instants of its own choosing, for projections to read."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from libs.domain import events, values
from libs.domain.ids import StreamId, orchestration_stream, run_stream, task_stream
from libs.eventlog.envelope import Recorded

START = datetime(2030, 1, 1, tzinfo=UTC)


class Facts:
    """`told` is all of it, in order. Times are in seconds from START."""

    def __init__(self) -> None:
        self.told: list[Recorded] = []

    def tell(self, stream: StreamId, event: events.Event, at: float = 0) -> None:
        seq = len(self.told) + 1
        self.told.append(
            Recorded(
                seq=seq,
                id=str(seq),
                stream=stream,
                event=event,
                at=START + timedelta(seconds=at),
                actor="tester",
                source="test",
                correlation="1",
                causation="",
            )
        )

    def orchestration(self, workspace: int, name: str | None = None, error: str = "") -> UUID:
        stream = orchestration_stream(workspace, id := uuid4())
        uploaded = events.OrchestrationUploaded(
            file_name="Files.zip",
            file_size=1,
            sha="0" * 64,
            blob="b",
            entrypoint="main.py",
            name=name,
        )
        ended: events.OrchestrationEvent = events.OrchestrationReady(
            environment="base", lock_digest="0"
        )
        if error:
            ended = events.OrchestrationFailed(reason=error)
        self.tell(stream, uploaded)
        self.tell(stream, ended)
        return id

    def task(
        self, workspace: int, orchestration: UUID, kind: values.Kind = "once", **more: Any
    ) -> UUID:
        stream = task_stream(workspace, id := uuid4())
        self.tell(stream, events.TaskCreated(kind=kind, orchestration=orchestration, **more))
        if kind != "once":
            self.tell(stream, events.TaskStarted())
        return id

    def run(
        self,
        workspace: int,
        task: UUID,
        end: values.RunEnd | None = "success",
        at: float = 0,
        seconds: float = 1,
        attempt: int = 1,
    ) -> UUID:
        """One that goes on if `end` is none."""
        stream = run_stream(workspace, id := uuid4())
        asked = events.RunRequested(
            task=task, scheduled_at=START + timedelta(seconds=at), attempt=attempt
        )
        self.tell(stream, asked, at)
        self.tell(stream, events.RunStarted(executor="e"), at)
        if end:
            self.tell(stream, events.RunFinished(status=end, reason="exit"), at + seconds)
        return id
