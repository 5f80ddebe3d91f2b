"""Callers that go on and on, and remember what they were told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.inference.service import Deployed

ROWS = [{"tensor": [1.0, 2.0, 3.0]}]


class Answers:
    """How many answers of each status there were; `wrong` are those whose body is not right."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.wrong: list[object] = []
        self._more = asyncio.Event()

    def add(self, status: int, body: object) -> None:
        self.statuses[status] += 1
        if status == 200 and body[0]["out"] != {"variable": [14.1]}:  # type: ignore[index]
            self.wrong.append(body)
        self._more.set()

    async def more(self, count: int) -> None:
        """Waits for so many more answers."""
        wanted = self.statuses.total() + count
        async with asyncio.timeout(60):
            while self.statuses.total() < wanted:
                self._more.clear()
                await self._more.wait()


@asynccontextmanager
async def load(deployed: Deployed, callers: int = 4) -> AsyncIterator[Answers]:
    """While the block lasts; those under way are answered before it ends."""
    answers, over = Answers(), asyncio.Event()

    async def call() -> None:
        while not over.is_set():
            answers.add(*await deployed.infer(ROWS))

    async with asyncio.TaskGroup() as tasks:
        for _ in range(callers):
            tasks.create_task(call())
        await answers.more(callers)
        yield answers
        over.set()
