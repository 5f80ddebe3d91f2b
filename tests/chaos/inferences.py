"""Inferences while things go wrong, of a pipeline that is deployed anew and updated meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import onnx

from tests import small_disk
from tests.inference import models
from tests.platform import Api, until
from tests.served import Callers, Served, accepted

_ORDERS = ["deploy", "deploy", "update", "undeploy"]


class Inferences:
    """Callers of one pipeline, who orders it about, and who reads its log."""

    def __init__(self, client: Api, dice: random.Random, folder: Path) -> None:
        self.served = Served(client, "chaos")
        self.callers = Callers(self.served, dice, may_be_full=small_disk.possible)
        self._dice, self._folder = dice, folder

    async def prepare(self) -> None:
        await self.served.update(self._model())

    @asynccontextmanager
    async def during(self) -> AsyncIterator[None]:
        """All the time."""
        await self._deployed()
        async with self.callers.asking(), asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(self._order()), tasks.create_task(self._read())]
            try:
                yield
            finally:
                for one in working:
                    one.cancel()

    async def goes_on(self) -> None:
        """Once the platform is well."""
        await self._deployed()
        async with self.callers.asking():
            await self.callers.more(10)

    async def ended(self) -> None:
        """No replica is left."""
        await until(partial(accepted, self.served.undeploy), "it to be undeployed")
        await self.served.ended()

    def _model(self) -> Path:
        """The same function in other bytes each time."""
        path = models.linear(self._folder / "chaos.onnx")
        model = onnx.load(path)
        model.producer_name = str(self._dice.random())
        onnx.save(model, path)
        return path

    async def _order(self) -> None:
        while True:
            await asyncio.sleep(self._dice.uniform(0.5, 3))  # the pace of orders
            match self._dice.choice(_ORDERS):
                case "update":
                    if await accepted(partial(self.served.update, self._model())):
                        await accepted(self.served.deploy)
                case "undeploy":
                    await accepted(self.served.undeploy)
                    await self._deployed()
                case _:
                    await accepted(self.served.deploy)

    async def _read(self) -> None:
        """What the log gives while it is sealed has nothing twice."""
        while True:
            await asyncio.sleep(self._dice.uniform(1, 4))  # the pace of reading
            await accepted(self._nothing_twice)

    async def _nothing_twice(self) -> None:
        found = await self.served.logged()
        assert found.total() == len(found), found.most_common(3)

    async def _deployed(self) -> None:
        await until(partial(accepted, self.served.deploy), "it to be deployed")
        await until(partial(accepted, self.served.running), "it to run")
