"""The history checker: what a whole log shows of I1 to I7, by obvious rules of its own.

It shares the events with the platform, and no decision. `python -m tests.history DATA` reads the
log of a running instance, also of one that was restored from a backup.
"""

from collections.abc import Iterator, Mapping, Sequence

from libs.domain.events import RunFinished, TaskKilled
from libs.eventlog.envelope import Recorded
from tests.history import commands, deployments, runs, tasks, ticks
from tests.history.commands import Acknowledged
from tests.history.finding import Finding


def check(
    events: Sequence[Recorded],
    acknowledged: Sequence[Acknowledged] = (),
    lines: Mapping[str, int] | None = None,
    *,
    quiet: bool = True,
) -> list[Finding]:
    """All that is broken. `lines`: how many lines of log each run has, by who has read them;
    `quiet`: nothing is under way, so that every run must have its end."""
    if not events:
        return []
    return [
        *order(events),
        *commands.recorded(events, acknowledged),
        *tasks.lives(events, quiet),
        *runs.lives(events, quiet),
        *runs.attempts(events),
        *runs.time_limits(events),
        *runs.kills(events),
        *runs.killed_runs(events),
        *ticks.accounted(events),
        *deployments.lives(events, quiet),
        *(log_lines(events, lines) if lines is not None else ()),
    ]


def order(events: Sequence[Recorded]) -> Iterator[Finding]:
    """Each event has a place of its own, and its own id."""
    ids: set[str] = set()
    last = 0
    for fact in events:
        if fact.seq != last + 1:
            yield Finding("log", f"event {fact.seq}", f"it comes right after {last}")
        if fact.id in ids:
            yield Finding("log", f"event {fact.seq}", "its id was there before")
        ids.add(fact.id)
        last = fact.seq


def log_lines(events: Sequence[Recorded], lines: Mapping[str, int]) -> Iterator[Finding]:
    """I5: as many as the run's end says; none once its task is killed, unless they are kept."""
    for fact in events:
        if isinstance(fact.event, RunFinished) and fact.stream.id in lines:
            found, said = lines[fact.stream.id], fact.event.lines
            if said is not None and found != said:
                what = f"{found} lines of log, of {said}"
                yield Finding("I5", f"run {fact.stream.id}", what)


def without_logs(events: Sequence[Recorded]) -> set[str]:
    """The tasks whose logs are gone, as was asked for."""
    return {
        fact.stream.id
        for fact in events
        if isinstance(fact.event, TaskKilled) and not fact.event.keep_logs
    }
