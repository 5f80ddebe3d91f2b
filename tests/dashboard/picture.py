"""Takes the README's picture: `python -m tests.dashboard.picture` writes docs/dashboard.png.

It starts a platform of its own, fills it through the event log with what a small team may have
done in a week, and looks at it with Chromium. What is past there never ran; the task `watch` does.
"""

import asyncio
import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from playwright.sync_api import expect, sync_playwright

from libs.domain import events, schedule, values
from libs.domain.ids import StreamId, orchestration_stream, run_id, run_stream, task_stream
from libs.eventlog import nats_client
from libs.eventlog.envelope import Context, to_headers
from tests.dashboard.conftest import CHROMIUM
from tests.dashboard.visitor import FLAGS, sign_in
from tests.platform import Api, Platform, api, running

PICTURE = Path(__file__).parents[2] / "docs" / "dashboard.png"
NOW = datetime.now(UTC)
WEEK = timedelta(days=7)
MAX_RUNS = 300  # of a task: all that belongs to it comes in one atomic batch
WATCH = {
    "main.py": "import time\nwhile True:\n    print('no drift', flush=True)\n    time.sleep(5)"
}

Event = tuple[StreamId, events.Event, datetime]


@dataclass(frozen=True)
class Work:
    """A scheduled task: how long its runs take, and which part of them fails."""

    name: str
    cron: str
    seconds: float
    failing: float = 0.0


def soon(minutes: int) -> int:
    """A minute of the hour that is not to come while the picture is taken."""
    return (NOW.minute + minutes) % 60


TEAM: dict[str, Sequence[Work]] = {
    "ingest-events": [
        Work("ingest", f"{soon(-4) % 15}-59/15 * * * *", 41, 0.05),
        Work("compact", f"{soon(-20)} */6 * * *", 1500),
    ],
    "daily-features": [Work("nightly features", "0 3 * * *", 2600, 0.1)],
    "score-customers": [
        Work("score", f"{soon(-11)} * * * *", 500),
        Work("score support", f"{soon(-35)} 6-18/2 * * *", 900),
    ],
    "train-churn-model": [Work("retrain", "30 4 * * *", 9000, 0.1)],
    "weekly-report": [Work("report by mail", "0 8 * * *", 300)],
}


class History:
    def __init__(self, workspace: int) -> None:
        self._workspace = workspace
        self._dice = random.Random(7)

    def workload(self, name: str, reason: str = "") -> tuple[UUID, list[Event]]:
        id, at = uuid4(), NOW - WEEK - timedelta(hours=self._dice.uniform(1, 900))
        stream = orchestration_stream(self._workspace, id)
        uploaded = events.OrchestrationUploaded(
            name=name,
            file_name=f"{name}.zip",
            file_size=self._dice.randrange(2_000, 90_000),
            sha=f"{self._dice.getrandbits(256):064x}",
            blob=f"orchestrations/{self._workspace}/{id}.zip",
            entrypoint="main.py",
        )
        end: events.Event = events.OrchestrationReady(environment="base", lock_digest="0" * 64)
        if reason:
            end = events.OrchestrationFailed(reason=reason)
        return id, [(stream, uploaded, at), (stream, end, at + timedelta(seconds=4))]

    def task(self, orchestration: UUID, work: Work) -> list[Event]:
        id, begun = uuid4(), NOW - WEEK
        stream = task_stream(self._workspace, id)
        created = events.TaskCreated(
            kind="scheduled",
            orchestration=orchestration,
            name=work.name,
            arguments={"days": 7},
            schedule=values.Schedule(expression=work.cron),
        )
        assert created.schedule
        runs = [run for at in _ticks(created.schedule) for run in self._run(id, work, at)]
        return [(stream, created, begun), (stream, events.TaskStarted(), begun), *runs]

    def _run(self, task: UUID, work: Work, at: datetime) -> list[Event]:
        stream = run_stream(self._workspace, run_id(task, at))
        seconds = min(
            work.seconds * self._dice.lognormvariate(0, 0.3), (NOW - at).total_seconds() - 1
        )
        failed = self._dice.random() < work.failing
        end = events.RunFinished(
            status="failure" if failed else "success",
            reason="exit",
            exit_code=int(failed),
            lines=0,
        )
        return [
            (stream, events.RunRequested(task=task, scheduled_at=at), at),
            (stream, events.RunStarted(executor="node-1"), at + timedelta(milliseconds=3)),
            (stream, end, at + timedelta(seconds=seconds)),
        ]


def _ticks(plan: values.Schedule) -> list[datetime]:
    """The newest of the week."""
    found = []
    at = schedule.next_after(plan, NOW - WEEK)
    while at and at < NOW:
        found.append(at)
        at = schedule.next_after(plan, at)
    return found[-MAX_RUNS:]


def history(workspace: int) -> Iterator[list[Event]]:
    past = History(workspace)
    yield past.workload(
        "embeddings-experiment",
        "requirements.txt: no version of torch==9.1 was found; change or leave out a requirement",
    )[1]
    for name, tasks in TEAM.items():
        id, uploaded = past.workload(name)
        yield uploaded
        for work in tasks:
            yield past.task(id, work)


async def send(nats: nats_client.Nats, batch: list[Event], actor: str) -> None:
    """One atomic batch: nobody asks for a run, or starts one, before its end is there."""
    mark = {"Nats-Batch-Id": str(uuid4())}
    for number, (stream, event, at) in enumerate(batch, start=1):
        given = to_headers(stream, event, Context(source="picture", actor=actor)) | mark
        given |= {"ce-time": at.isoformat(), "Nats-Batch-Sequence": str(number)}
        if number < len(batch):
            await nats.publish(stream.subject, events.encode(event), given)
    given["Nats-Batch-Commit"] = "1"
    nats_client.checked((await nats.request(stream.subject, events.encode(event), given)).data)


async def fill(platform: Platform) -> int:
    """Gives the workspace."""
    async with api(platform, "customer-churn") as client, platform.nats() as nats:
        me = await client.post("users/whoami", {})
        for batch in history(client.workspace):
            await send(nats, batch, me["id"])
        await watch(client)
        return client.workspace


async def watch(client: Api) -> None:
    await client.run(await client.ready(WATCH, "watch-drift"), "continuously", name="watch")


def look(platform: Platform, path: str) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(
            base_url=platform.access["url"],
            viewport={"width": 1280, "height": 760},
            device_scale_factor=1.5,
            color_scheme="light",
        )
        sign_in(page, platform.access["user"], platform.access["password"])
        page.goto(path)
        page.get_by_label("Last runs of ingest", exact=True).click()
        expect(page.get_by_role("heading", name="Last runs of ingest")).to_be_visible()
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=PICTURE)
        browser.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running(Platform(Path(folder))) as platform:
        workspace = asyncio.run(fill(platform))
        look(platform, f"/timeline?workspace={workspace}&zoom=day")


if __name__ == "__main__":
    main()
