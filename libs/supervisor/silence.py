"""How long a process has been silent though it could have spoken: pure, what is seen is passed in.

Time that the process could not use does not count: while it waits for a processor or for a disk,
while a debugger holds it, and while we were held up ourselves (a machine under load, one that was
suspended, a virtual one that was paused).
"""

_MAX_STEP_SECONDS = 2.0  # seconds that count between two looks, which are one apart
_STARVED = 0.2  # of a processor: whoever wants one and gets less has to wait for it


class Silence:
    """Of one process, from its start."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.busy = 0.0  # of these, seconds in which it was found at work
        self.state = ""
        self._cpu = 0.0

    def broken(self) -> None:
        """It has spoken."""
        self.seconds = self.busy = 0.0

    def looked(self, elapsed: float, state: str, cpu: float) -> None:
        """`elapsed` seconds after the look before: its state (proc(5)) and CPU seconds in all."""
        used, self._cpu, self.state = cpu - self._cpu, cpu, state
        starved = state == "R" and used < _STARVED * elapsed
        if state not in ("D", "t", "Z", "X") and not starved:
            self.seconds += min(elapsed, _MAX_STEP_SECONDS)
            self.busy += min(elapsed, _MAX_STEP_SECONDS) if state == "R" else 0.0

    def described(self) -> str:
        """Why it is silent, for people."""
        if self.state == "T":
            return "somebody has stopped it"
        if self.busy > self.seconds / 2:
            return "it computes"
        return "it waits for something"
