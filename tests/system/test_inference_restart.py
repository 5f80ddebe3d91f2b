"""The inference service is ended by SIGTERM while programs infer: none of them notices."""

import asyncio
import signal
from collections import Counter
from pathlib import Path

from tests.dashboard import served
from tests.platform import Platform, api, running, until

CALLERS = 6


async def test_no_request_is_refused_or_lost_when_the_inference_service_is_restarted(
    tmp_path: Path,
) -> None:
    with running(Platform(tmp_path)) as platform:
        async with api(platform, "restarts") as client:
            version = await served.model(client, tmp_path)
            pipeline = await served.pipeline(client, "prices", served.step(version))
            number = await served.deployed(client, "prices", pipeline)
            statuses: Counter[int] = Counter()
            over = False

            async def call() -> None:
                path = f"/v1/api/pipelines/infer/prices-{number}/prices"
                while not over:
                    async with client.session.post(path, json=[served.ROW]) as answer:
                        statuses[answer.status] += 1
                        assert answer.status == 200, await answer.text()

            async def more(count: int) -> None:
                wanted = statuses.total() + count

                async def enough() -> bool:
                    return statuses.total() >= wanted

                await until(enough, "answers")

            async with asyncio.TaskGroup() as tasks:
                for _ in range(CALLERS):
                    tasks.create_task(call())
                await more(100)
                before = platform.pid("inference")
                assert platform.signal("inference", signal.SIGTERM)

                async def restarted() -> bool:
                    return platform.pid("inference") not in (None, before)

                await until(restarted, "another inference service")
                await more(100)
                over = True
