"""Inferences while things go wrong: each number is sent once, and what became of it remembered."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiohttp
import onnx

from tests import small_disk
from tests.chaos import load
from tests.chaos.load import NOT_NOW
from tests.inference import models
from tests.platform import Api, Refused, until
from tests.served import Served

# What the published SDK does: so many tries of one call, so long each, and the pause before the
# next is drawn from 0 to one that doubles.
_TRIES, _TIMEOUT_SECONDS, _PAUSE_SECONDS = 11, 15.0, 0.2
_CALLERS = 4
AWAY = (*load.AWAY, aiohttp.ClientPayloadError)
_ORDERS = ["deploy", "deploy", "update", "undeploy"]


class Inferences:
    """Callers of one pipeline, which is deployed again, updated and undeployed meanwhile.

    `answered` has what was answered, `refused` what was not even begun.
    """

    def __init__(self, client: Api, dice: random.Random, folder: Path) -> None:
        self.answered: set[float] = set()
        self.refused: set[float] = set()
        self.served = Served(client, "chaos")
        self._dice, self._folder = dice, folder
        self._numbers = itertools.count(1)
        self._gone = 0  # how often it may have been undeployed
        self._there = False  # whether it certainly is deployed

    async def prepare(self) -> None:
        await self.served.update(self._model())

    @asynccontextmanager
    async def during(self) -> AsyncIterator[None]:
        """All the time; none of the calls may fail for good."""
        await self._deployed()
        over = asyncio.Event()
        working = [asyncio.create_task(self._calls(over)) for _ in range(_CALLERS)]
        working += [asyncio.create_task(self._orders(over)), asyncio.create_task(self._reads(over))]
        try:
            yield
        finally:
            over.set()
            await asyncio.wait(working)
        for one in working:
            one.result()

    async def goes_on(self) -> None:
        """Once the platform is well."""
        await self._deployed()
        await until(self._answers, "an inference to be answered")

    async def ended(self) -> None:
        """No replica is left."""
        self._there = False
        self._gone += 1
        await until(partial(_tried, self.served.undeploy), "it to be undeployed")
        await self.served.ended()

    def _model(self) -> Path:
        """The same function in other bytes each time."""
        path = models.linear(self._folder / "chaos.onnx")
        model = onnx.load(path)
        model.producer_name = str(self._dice.random())
        onnx.save(model, path)
        return path

    async def _calls(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await self._call()
            await asyncio.sleep(self._dice.uniform(0, 0.1))  # the pace of the load

    async def _call(self) -> None:
        """As one of the SDK. It may well be answered that there is nothing deployed, if there is
        not, and that the disk is full."""
        gone, there = self._gone, self._there
        for tries in range(_TRIES):
            number = float(next(self._numbers))
            try:
                await self.served.infer(number, _TIMEOUT_SECONDS)
            except AWAY:
                pass
            except Refused as refused:
                if refused.status in (404, 507):
                    self.refused.add(number)
                if refused.status == 404 and not (there and self._there and gone == self._gone):
                    return
                if refused.status == 507 and small_disk.possible:
                    return
                if refused.status != 503:
                    raise
            else:
                self.answered.add(number)
                return
            await asyncio.sleep(self._dice.uniform(0, _PAUSE_SECONDS * 2**tries))
        raise AssertionError(f"an inference failed for good; {number} was the last try")

    async def _orders(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.sleep(self._dice.uniform(0.5, 3))  # the pace of orders
            match self._dice.choice(_ORDERS):
                case "update":
                    if await _tried(partial(self.served.update, self._model())):
                        await _tried(self.served.deploy)
                case "undeploy":
                    self._there = False
                    self._gone += 1
                    await _tried(self.served.undeploy)
                    await self._deployed()
                case _:
                    await _tried(self.served.deploy)

    async def _reads(self, over: asyncio.Event) -> None:
        """What it gives while it is sealed has nothing twice."""
        while not over.is_set():
            await asyncio.sleep(self._dice.uniform(1, 4))  # the pace of reading
            try:
                found = await self.served.logged()
            except Refused as refused:
                if refused.status not in NOT_NOW:
                    raise
            except AWAY:
                pass
            else:
                assert found.total() == len(found), found.most_common(3)

    async def _deployed(self) -> None:
        await until(partial(_tried, self.served.deploy), "it to be deployed")
        await until(partial(_tried, self.served.running), "it to run")
        self._there = True

    async def _answers(self) -> bool:
        number = float(next(self._numbers))
        await self.served.infer(number)
        self.answered.add(number)
        return True


async def _tried(order: Callable[[], Awaitable[None]]) -> bool:
    """Whether it was accepted. False where the platform says that it can't be now, or nothing."""
    try:
        await order()
    except Refused as refused:
        if refused.status not in NOT_NOW:
            raise
    except AWAY:
        pass
    else:
        return True
    return False
