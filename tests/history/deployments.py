"""What may follow what in the life of a deployment, and that each of its replicas counts once."""

from collections.abc import Iterator, Sequence

from libs.domain.events import (
    DeploymentFailed,
    DeploymentRequested,
    DeploymentUndeployed,
    ReplicaStarted,
    ReplicaStopped,
)
from libs.eventlog.envelope import Recorded
from tests.history.finding import Finding, by_stream


class _Life:
    """Of one deployment, as far as its events have been read."""

    def __init__(self, about: str) -> None:
        self.about = about
        self.generation = 0
        self.serving = 0  # the last generation that had a replica
        self.state = "none"  # what the last order or outcome was
        self.running: set[str] = set()
        self.known: set[str] = set()

    def read(self, event: object) -> Iterator[Finding]:
        match event:
            case DeploymentRequested():
                self.generation, self.state = self.generation + 1, "requested"
            case ReplicaStarted():
                yield from self._started(event)
            case ReplicaStopped(replica=replica, reason="start_failed"):
                if str(replica) in self.known or self.state != "served":
                    yield self._wrong(f"replica {replica} did not start, which had")
            case ReplicaStopped(replica=replica):
                if str(replica) not in self.running:
                    yield self._wrong(f"replica {replica} stopped, which does not run")
                self.running.discard(str(replica))
            case DeploymentFailed() | DeploymentUndeployed():
                name = type(event).__name__
                if self.state in ("none", name, "DeploymentUndeployed"):
                    yield self._wrong(f"{name} after {self.state}")
                self.state = name
                if name == "DeploymentUndeployed":
                    self.serving = 0

    def _started(self, event: ReplicaStarted) -> Iterator[Finding]:
        id = str(event.replica)
        if id in self.known:
            yield self._wrong(f"replica {id} started twice")
        current = event.generation == self.generation and self.state in ("requested", "served")
        if current:
            self.serving, self.state = self.generation, "served"
        elif event.generation != self.serving or self.state == "served":
            yield self._wrong(f"replica {id} of generation {event.generation} is not wanted")
        self.known.add(id)
        self.running.add(id)

    def end(self) -> Iterator[Finding]:
        """Nothing is under way any more."""
        if self.state == "requested":
            yield self._wrong("nothing has come of DeploymentRequested")
        if self.state == "DeploymentUndeployed" and self.running:
            yield self._wrong(f"{len(self.running)} replicas run, though it is undeployed")

    def _wrong(self, what: str) -> Finding:
        return Finding("log", self.about, what)


def lives(events: Sequence[Recorded], quiet: bool) -> Iterator[Finding]:
    """Of every deployment; `quiet`: nothing is under way, so that what was asked for is so."""
    for deployment, facts in by_stream(events, "deployment").items():
        life = _Life(f"deployment {deployment}")
        for fact in facts:
            yield from life.read(fact.event)
        if quiet:
            yield from life.end()
