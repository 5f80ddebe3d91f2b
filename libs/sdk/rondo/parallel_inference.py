"""Many inferences at once: coroutines of both kinds of pipelines, as in the published SDK.

A blocking client sends its requests from threads of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from rondo import inference_batches
from rondo.errors import RondoError

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

_BY_REPLICA = 2  # requests at once: one runs while the other is on its way


class ParallelInference:
    """Coroutines beside `infer`, whose arguments they take.

    `async_client` and `retries` are accepted for older scripts: a request is tried again while the
    platform is away, as by `infer`.
    """

    infer: Any
    status: Any

    async def async_infer(
        self,
        tensor: Any,
        async_client: Any = None,
        timeout: float | None = None,
        retries: int | None = None,
        dataset: Iterable[str] | None = None,
        dataset_exclude: Iterable[str] | None = None,
        dataset_separator: str | None = None,
    ) -> Any:
        """As `infer`, without blocking the event loop. Raises as `infer`."""
        call = partial(self.infer, tensor, timeout, dataset, dataset_exclude, dataset_separator)
        return await _result(call, None)

    async def parallel_infer(
        self,
        tensor: Any,
        batch_size: int = 1,
        timeout: float | None = None,
        num_parallel: int | None = None,
        retries: int | None = None,
        dataset: Iterable[str] | None = None,
        dataset_exclude: Iterable[str] | None = None,
        dataset_separator: str | None = None,
    ) -> Any:
        """The rows of all results, in order.

        `tensor` is a list of dicts, a DataFrame or a Table, and so is the result. A request has
        `batch_size` rows. At most `num_parallel` are under way at once, by default
        two for each replica. If some of them fail there is a column `error`, which is empty for
        the rows that have a result; if all fail, the error of the first is raised.
        """
        import asyncio  # here and below: most programs that import rondo need none of it
        from concurrent.futures import ThreadPoolExecutor

        batches = inference_batches.split(tensor, batch_size)
        limit = num_parallel or _BY_REPLICA * await self._replicas()
        free = asyncio.Semaphore(limit)
        with ThreadPoolExecutor(limit) as threads:

            async def one(rows: Any) -> Any:
                call = partial(
                    self.infer, rows, timeout, dataset, dataset_exclude, dataset_separator
                )
                async with free:
                    try:
                        return await _result(call, threads)
                    except RondoError as error:
                        return error

            results = await asyncio.gather(*(one(batch.tensor) for batch in batches))
        return inference_batches.join(batches, results)

    async def _replicas(self) -> int:
        status = await _result(self.status, None)
        return max(1, len(status.get("engines", [])))


async def _result(call: Any, threads: ThreadPoolExecutor | None) -> Any:
    """What the call gives, a coroutine or a function that blocks."""
    import asyncio
    import inspect

    if inspect.iscoroutinefunction(getattr(call, "func", call)):
        return await call()
    return await asyncio.get_running_loop().run_in_executor(threads, call)
