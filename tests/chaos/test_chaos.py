"""Under load everything is killed, stands still, and runs out of disk, at drawn moments; afterwards
all that is promised holds. The schedule is drawn from a seed that is printed; --chaos-seed repeats
it."""

import random
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pytest

from libs.domain.events import RunFinished, RunRequested
from libs.eventlog.envelope import Recorded
from tests.chaos.faults import Fault, Trouble, drawn
from tests.chaos.inferences import Inferences
from tests.chaos.load import BEGIN, Load, readable
from tests.history import inferences, rows
from tests.history.check import check
from tests.platform import Api, Platform, api, running, until
from tests.small_disk import possible

ROUND = 12  # faults
DISK = 768  # MiB
REPLAY_EVERY = 5  # rounds

Work = tuple[Load, Inferences]


@pytest.fixture
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("chaos")
    disk, variables = DISK if possible else 0, {"RONDO_INFERENCE_GATEWAYS": "1"}
    with running(Platform(folder, disk_mib=disk, variables=variables)) as platform:
        yield platform


async def test_what_holds_always_whatever_is_killed_stopped_or_full(
    platform: Platform, minutes: float, seed: int, tmp_path: Path
) -> None:
    """For so many minutes, in rounds: each begins well, and ends well again."""
    dice = random.Random(seed)
    sys.stdout.write(f"--chaos-seed={seed}\n")
    faults = drawn(dice, possible)
    until_then = time.monotonic() + 60 * minutes
    try:
        async with api(platform, f"chaos {seed}") as client:
            load, asked = Load(client, dice), Inferences(client, dice, tmp_path)
            await load.prepare()
            await asked.prepare()
            known: set[str] = set()
            number = 0
            while number == 0 or time.monotonic() < until_then:
                await client.log_in(platform)
                await one_round(platform, client, (load, asked), list(islice(faults, ROUND)))
                await all_holds(platform, client, (load, asked), known)
                number += 1
                if number % REPLAY_EVERY == 0:
                    await rows.equal_a_replay(platform)
            await rows.equal_a_replay(platform)
    except BaseException:
        sys.stdout.write(platform.shown())
        raise


async def one_round(platform: Platform, client: Api, work: Work, faults: Sequence[Fault]) -> None:
    load, asked = work
    trouble = Trouble(platform, platform.disk if possible else None)
    try:
        async with load.during(), asked.during():
            for fault in faults:
                sys.stdout.write(f"{time.strftime('%H:%M:%S')} {fault}\n")
                await trouble.make(fault)
            await trouble.over()
    finally:
        trouble.good()
    await readable(client)
    await load.goes_on()
    await asked.goes_on()
    await load.all_ended()
    await load.kill_lasting()
    await asked.ended()


async def all_holds(platform: Platform, client: Api, work: Work, known: set[str]) -> None:
    """By the checker, over all that has been; logs are read of what ended in this round."""
    load, asked = work
    events = await platform.events()
    lines = {
        fact.stream.id: await lines_of(client, fact.stream.id, fact.event)
        for fact in events
        if isinstance(fact.event, RunFinished) and fact.stream.id not in known
    }
    known |= lines.keys()
    logged = await asked.served.logged()
    findings = check(events, load.acknowledged, lines)
    callers = asked.callers
    findings += inferences.recorded(callers.answered, callers.refused, logged)
    runs = sum(isinstance(fact.event, RunRequested) for fact in events)
    sys.stdout.write(
        f"{len(events)} events, {runs} runs, {len(callers.answered)} answers,"
        f" {len(findings)} findings\n"
    )
    assert findings == [], "\n".join(map(str, findings))
    await api_says_the_same(client, events, set(lines))


async def lines_of(client: Api, run: str, end: RunFinished) -> int:
    """How many lines are stored. The script begins at most once in them (I2)."""

    async def whole() -> list[list[str]]:
        found = await client.log(run)
        return [list(found["logs"])] if found["complete"] or end.lines is None else []

    [log] = await until(whole, f"the log of run {run} to be complete")
    begun = sum(line.split(" ", 3)[3].startswith(BEGIN) for line in log)
    assert begun == 1 if end.status == "success" else begun <= 1, (run, log)
    return len(log)


async def api_says_the_same(client: Api, events: Sequence[Recorded], runs: set[str]) -> None:
    """I1 and I4: what anybody reads of a run is what the log says."""
    task_of = {
        fact.stream.id: str(fact.event.task)
        for fact in events
        if isinstance(fact.event, RunRequested)
    }
    ends = {
        fact.stream.id: fact.event.status for fact in events if isinstance(fact.event, RunFinished)
    }
    shown: dict[str, str] = {}
    for task in {task_of[run] for run in runs}:
        shown |= {run["run_id"]: run["status"] for run in await client.runs(task)}
    assert {run: shown.get(run) for run in runs} == {run: ends[run] for run in runs}
