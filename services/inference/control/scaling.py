"""How many replicas a deployment is to have: pure, told of time and load.

It has one more when the mean load of a replica over the window is above the one bound, one less
when it is below the other; then the window begins anew. Where none may be enough, there is none
after a window without a request, and one as soon as a request comes.
"""

from libs.domain.values import Scaling


class Scaler:
    """Of one generation of a deployment. Instants are of time.monotonic()."""

    def __init__(self, scaling: Scaling, now: float, before: int) -> None:
        """`before` is how many there are; 0 means that nobody needs one yet."""
        self._scaling = scaling
        self._since = now
        self._total = 0.0
        self._samples = 0
        self.target = min(max(before, scaling.least), scaling.most)

    def wake(self, now: float) -> None:
        """A request is there."""
        if self.target == 0:
            self._set(1, now)

    def restart(self, now: float) -> None:
        """The window begins anew: what is to be there is not there yet."""
        self._set(self.target, now)

    def sample(self, load: float, last_request: float, now: float) -> None:
        """`load` is per replica: requests, or per cent of its cpus."""
        scaling = self._scaling
        if self.target == 0:
            return
        idle = load == 0 and now - max(last_request, self._since) >= scaling.window
        if idle and scaling.least == 0:
            self._set(0, now)
            return
        self._total += load
        self._samples += 1
        if now - self._since < scaling.window:
            return
        mean = self._total / self._samples
        if mean > scaling.scale_up and self.target < scaling.most:
            self._set(self.target + 1, now)
        elif mean < scaling.scale_down and self.target > max(1, scaling.least):
            self._set(self.target - 1, now)
        else:
            self._set(self.target, now)

    def _set(self, target: int, now: float) -> None:
        self.target, self._since = target, now
        self._total, self._samples = 0.0, 0
