"""The life of a process of the local backend, as one table. Pure.

    made → launched → started → running → stopping → ended → removed, and failed

What the executor does and what the processes of a run say are messages; they may cross. So the
executor's own are taken, without effect, by a process that is stopping, has failed or has ended.
Whatever else is not in the table is out of turn and refused.
"""

from collections.abc import Mapping
from enum import StrEnum

from libs.domain.run_end import Verdict


class Phase(StrEnum):
    """Where a process is in its life."""

    MADE = "made"  # its processes are asked for, for no run in particular
    LAUNCHED = "launched"  # it was told which run it is
    STARTED = "started"  # it was told that its program may begin
    RUNNING = "running"  # it has said that its program comes next
    STOPPING = "stopping"  # it was told to end, for a reason
    FAILED = "failed"  # it has said that it could not become its program
    ENDED = "ended"  # nothing of it lives
    REMOVED = "removed"  # nor does its folder exist any more


class Message(StrEnum):
    """What may happen to it."""

    LAUNCH = "launch"  # the executor says which run it is
    START = "start"  # the executor lets its program begin
    STOP = "stop"  # the executor wants its end
    BEGIN = "begin"  # it says that its program comes next
    FAIL = "fail"  # it says that it could not become its program
    END = "end"  # nothing of it lives, as its shim or the end of that says
    REMOVE = "remove"  # its folder is gone


def _crossing(phase: Phase) -> dict[Message, Phase]:
    """The executor's messages, which may come too late."""
    return {Message.LAUNCH: phase, Message.START: phase, Message.STOP: phase}


_LEAVING = {Message.FAIL: Phase.FAILED, Message.STOP: Phase.STOPPING, Message.END: Phase.ENDED}

TRANSITIONS: Mapping[Phase, Mapping[Message, Phase]] = {
    Phase.MADE: {Message.LAUNCH: Phase.LAUNCHED, **_LEAVING},
    Phase.LAUNCHED: {Message.START: Phase.STARTED, **_LEAVING},
    Phase.STARTED: {Message.BEGIN: Phase.RUNNING, **_LEAVING},
    Phase.RUNNING: _LEAVING,
    Phase.STOPPING: {
        **_crossing(Phase.STOPPING),
        Message.BEGIN: Phase.STOPPING,
        Message.FAIL: Phase.FAILED,
        Message.END: Phase.ENDED,
    },
    Phase.FAILED: {**_crossing(Phase.FAILED), Message.END: Phase.ENDED},
    Phase.ENDED: {**_crossing(Phase.ENDED), Message.REMOVE: Phase.REMOVED},
    Phase.REMOVED: _crossing(Phase.REMOVED),
}


class OutOfTurn(Exception):
    """A message that the table has not for the phase. Nothing has changed."""


class ProcessState:
    """One process's phase, and what is known for good about how it came there."""

    def __init__(self) -> None:
        self.phase = Phase.MADE
        self.ended_in: Phase | None = None  # the phase in which its end came
        self.stop_reason: Verdict | None = None  # the first one
        self.failure = ""  # what it has said of why it could not become its program

    def take(self, message: Message) -> None:
        """Go where the table says. Raises OutOfTurn."""
        following = TRANSITIONS[self.phase].get(message)
        if following is None:
            raise OutOfTurn(f"{message} is out of turn for a process that is {self.phase}")
        if message is Message.END:
            self.ended_in = self.phase
        self.phase = following

    def stop(self, reason: Verdict) -> None:
        """It was told to end; the first reason stays. Raises OutOfTurn."""
        self.take(Message.STOP)
        if self.phase is Phase.STOPPING:
            self.stop_reason = self.stop_reason or reason

    def fail(self, detail: str) -> None:
        """It could not become its program. Raises OutOfTurn."""
        self.take(Message.FAIL)
        self.failure = detail

    @property
    def can_start(self) -> bool:
        """Whether it may still become a run's program, as far as we know."""
        return self.phase in (Phase.MADE, Phase.LAUNCHED)

    @property
    def has_begun(self) -> bool:
        """Whether code of others runs in it, which may want to end by itself."""
        return self.phase in (Phase.RUNNING, Phase.STOPPING, Phase.FAILED)

    @property
    def has_ended(self) -> bool:
        """Whether nothing of it lives."""
        return self.phase in (Phase.ENDED, Phase.REMOVED)

    @property
    def died_before_start(self) -> bool:
        """Whether it ended by itself before it was started: no code of others has begun."""
        return self.ended_in in (Phase.MADE, Phase.LAUNCHED)
