"""`kill -9` of everything at drawn moments, under load; afterwards all that is promised holds.

The schedule is drawn from a seed that is printed; --chaos-seed repeats it.
"""

import asyncio
import random
import sys
from dataclasses import dataclass
from functools import partial

import pytest

from tests.chaos import invariants
from tests.chaos.load import EVERY_SECOND, SCRIPT, Load, readable
from tests.platform import SERVICES, Api, Platform, api, until

VICTIMS = (*SERVICES, "nats", "postgres")
KILLS = 4  # a round


@dataclass(frozen=True)
class Kill:
    """Of `victim`, so many seconds after the one before."""

    victim: str
    after: float


def drawn(seed: int, rounds: int) -> list[list[Kill]]:
    """Every victim has its turn before one comes again."""
    dice = random.Random(seed)
    victims: list[str] = []
    while len(victims) < rounds * KILLS:
        victims += dice.sample(VICTIMS, len(VICTIMS))
    kills = [Kill(victim, round(dice.uniform(0.2, 2.0), 2)) for victim in victims]
    return [kills[n * KILLS : (n + 1) * KILLS] for n in range(rounds)]


@pytest.mark.timeout(1800)
async def test_nothing_is_lost_or_doubled(platform: Platform, rounds: int, seed: int) -> None:
    """I1 to I6, after each round of kills."""
    schedule = drawn(seed, rounds)
    sys.stdout.write(f"--chaos-seed={seed}\n" + "\n".join(map(str, schedule)) + "\n")
    try:
        async with api(platform, f"chaos {seed}") as client:
            load = Load(client, await client.ready({"main.py": SCRIPT}))
            for kills in schedule:
                await one_round(platform, client, load, kills)
                events = await platform.events()
                invariants.runs_started_once(events)
                invariants.ticks_accounted_for(events)
                invariants.runs_ended(events)
                await invariants.logs_complete_and_begun_once(client, events)
                await invariants.rows_equal_a_replay(platform)
    except BaseException:
        sys.stdout.write(platform.shown())
        raise


async def one_round(platform: Platform, client: Api, load: Load, kills: list[Kill]) -> None:
    killed: dict[str, int | None] = {}
    async with load.during():
        for kill in kills:
            await asyncio.sleep(kill.after)  # the drawn moment
            killed[kill.victim] = platform.pid(kill.victim)
            platform.signal(kill.victim)
    for victim, pid in killed.items():
        await until(partial(succeeded, platform, victim, pid), f"{victim} to be started again")
    await readable(client)
    await load.goes_on()
    await load.all_ended()
    await load.kill_lasting()


async def succeeded(platform: Platform, victim: str, pid: int | None) -> bool:
    """Whether the process that was killed has a successor."""
    return platform.pid(victim) not in (None, pid)


async def test_a_schedule_of_every_second_survives_its_scheduler(
    platform: Platform, rounds: int
) -> None:
    """I3: over a minute (less in the short run), killed in between, no tick is lost or doubled."""
    seconds = 60 if rounds > 2 else 20
    async with api(platform, "every second") as client:
        orchestration = await client.ready({"main.py": "print('tick')"})
        task = await client.run(orchestration, "scheduled", schedule=EVERY_SECOND)
        await client.ended(task, seconds // 2)
        assert platform.signal("scheduler")
        await client.ended(task, seconds - 3)  # three may have been collapsed into others
        await client.post("task/kill", {"id": task, "keep_logs": True})
    invariants.ticks_accounted_for(await platform.events())
