"""I1: what was acknowledged is in the log, as whoever sent it remembers."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from libs.eventlog.envelope import Recorded
from tests.history.finding import Finding, by_stream

Kind = Literal["create", "upload", "pause", "resume", "kill"]
_WANTS = {
    "TaskPauseRequested": "pause",
    "TaskResumeRequested": "resume",
    "TaskKillRequested": "kill",
    "TaskCompleted": "over",
    "TaskFailed": "over",
}


class Acknowledged(msgspec.Struct, frozen=True):
    """A command for `id` that was answered with "accepted" at that instant. Whoever sent it is the
    only one to order anything of that task, and sends one command after another."""

    kind: Kind
    id: str
    sent: datetime
    answered: datetime


def recorded(events: Sequence[Recorded], acknowledged: Sequence[Acknowledged]) -> Iterator[Finding]:
    tasks, uploads = by_stream(events, "task"), by_stream(events, "orchestration")
    for one in acknowledged:
        facts = (uploads if one.kind == "upload" else tasks).get(one.id, [])
        if not facts:
            yield Finding("I1", f"{one.kind} of {one.id}", "acknowledged, and not in the log")
        elif one.kind not in ("create", "upload") and one.kind not in _wanted(facts, one):
            yield Finding("I1", f"{one.kind} of {one.id}", "acknowledged, and not what is wanted")


def _wanted(facts: list[Recorded], one: Acknowledged) -> set[str]:
    """What was wanted of the task while the command was on its way."""
    wanted, before = set[str](), "resume"
    for fact in facts:
        now = _WANTS.get(type(fact.event).__name__)
        if now is None:
            continue
        if fact.at <= one.sent:
            before = now
        elif fact.at <= one.answered:
            wanted.add(now)
    return wanted | {before}
