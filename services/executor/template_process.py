"""One template of the local backend, as the executor sees it: a run of ours that starts runs."""

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from uuid import uuid4

from libs.domain.errors import Unavailable
from services.executor import recipe
from services.executor.backend import BOUNDLESS, Limits, RunSpec
from services.executor.channel import Channel
from services.executor.folder import RunFolder
from services.executor.local_run import LocalRun
from services.executor.messages import Launch, Preload, Preloaded, Rights

_PATIENCE = 180.0  # seconds for all that is to be imported
_LAST_WORDS = 2.0

_LIMITS = Limits(BOUNDLESS, BOUNDLESS, BOUNDLESS, processes=1 << 16, open_files=1 << 16)


class Template:
    """A warm interpreter of one environment: a place for runs to be started. Made by `start`."""

    def __init__(self, process: LocalRun, channel: Channel, folder: RunFolder, inside: str) -> None:
        self._process = process
        self._channel = channel
        self._folder = folder
        self._inside = inside
        self.runs = 0
        channel.listen()

    @classmethod
    async def start(
        cls, python: Path, runs: Path, launcher: Channel, rights: Rights, first_uid: int
    ) -> "Template":
        """Raises Unavailable, with the reason, if it can't be."""
        run_id = uuid4()
        # Short names: where runs share the machine's file system, sockets have to fit behind them.
        folder = RunFolder(runs / run_id.hex[:8])
        uid = None if rights.uids else recipe.template_uid(first_uid)
        folder.prepare(uid)
        spec = RunSpec(run_id, run_id, 0, python, folder.path, "", limits=_LIMITS)
        launch = recipe.template(spec, folder, rights, first_uid)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            process = await LocalRun.start(spec, folder, launch, launcher, [null, null], theirs)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(null)
        template = cls(process, Channel(ours), folder, launch.environment["TMPDIR"])
        await template._answer()
        return template

    @property
    def lost(self) -> bool:
        return self._channel.lost.is_set()

    @property
    def pid(self) -> int:
        return self._process.pid

    def memory(self) -> int:
        """Bytes resident now."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except (FileNotFoundError, ProcessLookupError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def folders(self, run: RunSpec) -> tuple[RunFolder, RunFolder]:
        """Where its files lie, as we see it and as the template does."""
        name = run.run_id.hex[:16]
        return RunFolder(self._folder.temporary / name), RunFolder(Path(self._inside, name))

    async def preload(self, modules: list[str]) -> dict[str, str]:
        """Have them imported; returns the refused with their reasons. Raises Unavailable."""
        await self._channel.order(Preload(modules))
        return (await self._answer()).refused

    async def send(self, launch: Launch, descriptors: list[int]) -> None:
        """See Channel.send."""
        await self._channel.send(launch, descriptors)

    async def gone(self, run_id: str) -> None:
        """See Channel.gone. If the template is lost, nothing of it lives once its keeper ended."""
        await self._channel.gone(run_id)
        if self.lost:
            await self.close()

    async def insist(self) -> None:
        """End the template and all its runs, by the keeper of its own."""
        await self.close()

    def forget(self, run_id: str) -> None:
        """See Channel.forget."""
        self._channel.forget(run_id)

    def leave(self) -> None:
        """A run of it has ended."""
        self.runs -= 1

    async def close(self) -> None:
        """End it and all its runs."""
        self._channel.end()
        await self._process.stop("killed")

    async def _answer(self) -> Preloaded:
        """What it says when it has done its work; one that does not is ended."""
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await self._channel.answer()
        except BaseException:
            await self.close()
            raise
        if answer is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LAST_WORDS):  # how it ended by itself, if it does
                    await self._process.wait()
            await self.close()
            outcome = await self._process.wait()
            raise Unavailable(f"its template has ended: {outcome.detail}")
        return answer
