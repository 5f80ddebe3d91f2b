"""What is deployed, as the log says: in memory for acting, in Postgres for the next start.

The only place where control appends to a deployment: on the state that is known, so that nothing is
read from the log for it.
"""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec

from libs.domain import deployment as deployments
from libs.domain.deployment import Deployment
from libs.domain.events import DeploymentEvent
from libs.domain.ids import deployment_stream
from libs.eventlog.envelope import Context, Recorded
from libs.eventlog.log import EventLog, Proposed, WrongVersion
from libs.postgres.pool import Connection
from libs.postgres.statements import load

SCHEMA = "inference_v1"
SUBJECTS = ("event.*.deployment.*",)
SOURCE = "inference"

_SQL = load(__name__)
_decode = msgspec.msgpack.Decoder(Deployment).decode

Decide = Callable[[Deployment], list[DeploymentEvent]]


class _Entry:
    def __init__(self, state: Deployment, seq: int) -> None:
        self.state, self.seq = state, seq
        self.changed = asyncio.Event()


class Deployments:
    """See libs/eventlog/project.py. `on_change` is called with each one that has changed."""

    name = "deployments"

    def __init__(self, log: EventLog, on_change: Callable[[UUID], None]) -> None:
        self._log = log
        self._on_change = on_change
        self._known: dict[UUID, _Entry] = {}
        self._unwritten: set[UUID] = set()

    def get(self, id: UUID) -> Deployment | None:
        """As far as it has been followed."""
        known = self._known.get(id)
        return known.state if known else None

    def all(self) -> list[Deployment]:
        return [known.state for known in self._known.values()]

    async def append(self, id: UUID, decide: Decide) -> bool:
        """Appends what `decide` gives for the state, at most one event; whether there was one. The
        state is as that event leaves it when this returns. Raises Unavailable."""
        while True:
            known = self._known[id]
            events = decide(known.state)
            if not events:
                return False
            stream = deployment_stream(known.state.workspace, known.state.pipeline)
            proposed = Proposed(stream, known.seq, events[0])
            try:
                seq = await self._log.append(proposed, Context(source=SOURCE, actor=SOURCE))
            except WrongVersion:
                await self._reached(known, proposed.expected + 1)  # who was first comes to us too
                continue
            await self._reached(known, seq)
            return True

    async def _reached(self, known: _Entry, seq: int) -> None:
        while known.seq < seq:
            known.changed.clear()
            await known.changed.wait()

    async def load(self, connection: Connection) -> None:
        """Restores all from their rows."""
        for row in await connection.fetch(_SQL["read_deployments"]):
            state = _decode(row["state"])
            self._known[state.id] = _Entry(state, row["seq"])
            self._on_change(state.id)

    def received(self, batch: Sequence[Recorded]) -> None:
        """Acting needs no rows: it goes on at once, and the rows are written later."""
        for fact in batch:
            self._fold(fact)

    async def apply(self, connection: Connection, fresh: Sequence[Recorded]) -> None:
        """Writes what has changed since the last time."""
        changed = [self._known[id] for id in self._unwritten]
        rows = [(one.state.id, one.seq, msgspec.msgpack.encode(one.state)) for one in changed]
        if rows:
            await connection.execute(_SQL["keep"], *map(list, zip(*rows, strict=True)))

    def applied(self, batch: Sequence[Recorded]) -> None:
        """The rows are committed, so nothing has changed since."""
        self._unwritten.clear()

    def _fold(self, fact: Recorded) -> None:
        id = fact.stream.uuid
        known = self._known.get(id)
        if known is None:
            known = self._known[id] = _Entry(deployments.evolve(None, fact), fact.seq)
        elif fact.seq > known.seq:
            known.state, known.seq = deployments.evolve(known.state, fact), fact.seq
        else:
            return
        known.changed.set()
        self._unwritten.add(id)
        self._on_change(id)
