"""What a process of the local backend does later and beside itself, until it has ended."""

import asyncio
from collections.abc import Callable, Coroutine


class Timers:
    """One timer for each name, and tasks that nobody else waits for."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def later(self, name: str, seconds: float, call: Callable[[], object]) -> None:
        """Make the call after that time, in place of what was set under the name before."""
        if not self._closed:
            if before := self._timers.get(name):
                before.cancel()
            self._timers[name] = self._loop.call_later(seconds, call)

    def run(self, work: Coroutine[None, None, None]) -> None:
        """Do the work in a task."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """No timer rings from now on."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()

    async def join(self) -> None:
        """Wait for the tasks, whatever they raise."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
