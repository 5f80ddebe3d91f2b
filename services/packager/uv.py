"""uv, the resolver and installer: each command bounded, and shielded from what it installs.

A command runs in its own session with a private home and cache, no variable of ours but those it
needs, limits on time and file size, as `user` where there is one, and never outlives us. It comes
to a shell of which one may be waiting already, for all of that takes a while to set up. No code
of a package runs: only wheels are taken, and bytecode is compiled without `site`, since its .pth
files are executed by any ordinary start of Python (uv's own --compile-bytecode among them).
"""

import asyncio
import os
import re
import resource
import shlex
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO

from uv import find_uv_bin

from libs.archive.requirements import without_credentials
from libs.domain.errors import Rejected, Unavailable
from libs.linux import low_priority
from services.packager.progress import current

PYTHON = os.path.realpath(sys.executable)  # the interpreter that environments link to

_ENVIRONMENT_NAMES = ("PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG", "TZ")
_MAX_STDERR_BYTES = 64 << 10  # of a command, the last ones
_MAX_MESSAGE_LENGTH = 2_000  # characters
_OUTAGE = re.compile(
    r"Failed to fetch|error sending request|timed out|dns error|Connection|HTTP status"
    r"|No space left|Disk quota|Permission denied|Read-only file system|Too many open files"
    r"|Failed to create virtual environment",  # before it looks at any requirement
    re.IGNORECASE,
)


class Uv:
    """Commands on work folders. They raise Rejected, in uv's words, for what can't be met;
    Unavailable where the index, the disk or the launcher failed. Cancelling one kills it.
    """

    def __init__(
        self,
        folder: Path,
        environ: Mapping[str, str],
        *,
        file_bytes: int,
        user: int | None,
        wheels_only: bool,
    ) -> None:
        """Work folders lie in `folder`, and cache and home too: files are linked, not copied."""
        self._folder = folder
        self._user = user
        self._limit_process = partial(_limit_process, file_bytes)
        self._wheels = ["--only-binary", ":all:"] if wheels_only else []
        self.cache, home = folder / ".uv" / "cache", folder / ".uv" / "home"
        for path in (self.cache, home):
            path.mkdir(parents=True, exist_ok=True)
            self.give(path)
        self._environ = _environment(environ, home, self.cache)
        self._spare: _Shell | None = None
        self._taken = asyncio.Event()

    async def stand_by(self) -> None:
        """Runs for ever: keeps a spare shell whenever no command runs."""
        while True:
            shell = self._spare = await self._shell()
            self._taken.clear()
            try:
                await self._taken.wait()
            finally:
                if self._spare is shell:  # not a command's, which ends it itself
                    self._spare = None
                    await shell.end()

    def give(self, path: Path) -> None:
        """Makes the commands' user the owner of `path`."""
        if self._user is not None:
            os.chown(path, self._user, self._user)

    async def resolve(self, work: Path, requirements: list[str], preferred: str) -> str:
        """The lock of `requirements`: exact versions with hashes, those of the lock `preferred`
        where they fit."""
        source = self._write(work / "requirements.txt", "\n".join(requirements) + "\n")
        lock = self._write(work / "lock.txt", preferred)
        what = [source, "--output-file", lock, "--generate-hashes"]
        how = ["--no-header", "--no-annotate", "--python", PYTHON, *self._wheels]
        await self._uv("resolving", ["pip", "compile", *what, *how])
        return (work / "lock.txt").read_text()

    async def install(self, work: Path, lock: str) -> Path:
        """Installs the lock into a new virtual environment in `work`, which may be moved."""
        source, folder = self._write(work / "lock.txt", lock), work / "env"
        # By force: what a full disk has left of one has no mark of an environment yet.
        options = ["--clear", "--force", "--relocatable"]
        venv = ["venv", *options, "--python", PYTHON, str(folder)]
        what = ["--requirements", source, "--python", str(folder / "bin" / "python"), "--no-deps"]
        how = ["--require-hashes", "--link-mode", "hardlink", *self._wheels]
        install = ["pip", "install", *what, *how]
        try:  # most often all is in the cache, and an unreachable index does not matter
            await self._uv("linking", venv, [*install, "--offline"])
        except (Rejected, Unavailable):
            await self._uv("installing", venv, install)
        return folder

    async def compile_bytecode(self, folders: list[Path]) -> None:
        """Compiles what has no bytecode yet; leaves files of another Python's syntax.

        It skips what a wheel has for elsewhere, since uv refuses folders among scripts, and the
        packages' own tests: half of the bytes of pandas and numpy, and hardly ever imported.
        """
        left = rf"^{re.escape(str(self._folder))}/.*(\.data|/tests)/"
        how = ["-I", "-S", "-m", "compileall", "-qq", "-j2", "-x", left]
        await self._run("compiling", [PYTHON, *how, *map(str, folders)])

    async def clean_cache(self) -> None:
        """Drops all wheels from the cache; environments keep theirs."""
        await self._uv("cleaning", ["cache", "clean"])

    def _write(self, path: Path, text: str) -> str:
        path.write_text(text)
        self.give(path)
        return str(path)

    async def _uv(self, step: str, *commands: list[str]) -> None:
        """Runs the commands one after the other, as long as they succeed."""
        uv = [find_uv_bin(), "--color", "never"]
        status, stderr = await self._run(step, *([*uv, *command] for command in commands))
        if status:
            raise self._failure(status, stderr)

    async def _run(self, step: str, *commands: list[str]) -> tuple[int, str]:
        """The last command's exit status, and the end of what all wrote to stderr."""
        spare, self._spare = self._spare, None
        shell = spare or await self._shell()
        progress = current.get()
        if progress:
            progress.begin(step, shell.pid, shell.stderr)
        try:
            return await shell.run(" && ".join(shlex.join(command) for command in commands))
        finally:
            if progress:
                progress.end()
            await shell.end()
            self._taken.set()

    async def _shell(self) -> "_Shell":
        stderr = tempfile.TemporaryFile()  # noqa: SIM115 - the shell's, closed at its end
        process = await asyncio.create_subprocess_exec(
            *self._launcher(),
            "/bin/sh",
            cwd="/",
            env=self._environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=stderr,
            start_new_session=True,
            umask=0o022,
            preexec_fn=self._limit_process,
        )
        return _Shell(process, stderr)

    def _launcher(self) -> list[str]:
        bound = ["--die-with-parent", "SIGKILL", "--parent", str(os.getpid())]
        if self._user is not None:
            bound += ["--user", str(self._user), "--group", str(self._user)]
            for path in (find_uv_bin(), sys.base_prefix, str(self._folder)):
                bound += ["--path", path]
        return [sys.executable, "-P", "-m", "libs.linux.reach", *bound, "--"]

    def _failure(self, status: int, stderr: str) -> Rejected | Unavailable:
        _, error, reason = f"\n{stderr}".partition("\nerror: ")
        # Without that word it was not uv that ended: the launcher, or a signal.
        text = self._presentable(reason or stderr or f"uv ended with status {status}")
        if "File too large" in reason:
            problem = "a package has a file over the size limit; leave it out"
            return Rejected("invalid", f"requirements.txt: {problem}")
        if status < 0 or not error or _OUTAGE.search(reason):
            return Unavailable(f"packages can't be resolved or installed now: {text}")
        return Rejected("invalid", f"requirements.txt: {text}; change or leave out a requirement")

    def _presentable(self, stderr: str) -> str:
        """One line, without our paths and the index's credentials."""
        text = without_credentials(re.sub(r"\n\s*cause: ", ": ", stderr))
        text = re.sub(rf"{re.escape(str(self._folder))}/([^\s`'\"/]*/)*", "", text)
        return " ".join(text.split())[:_MAX_MESSAGE_LENGTH].rstrip(".")


def _environment(environ: Mapping[str, str], home: Path, cache: Path) -> dict[str, str]:
    """The operator's settings of uv, certificates and proxies; nothing else of theirs."""
    inherited = {
        name: value
        for name, value in environ.items()
        if name in _ENVIRONMENT_NAMES or name.startswith("UV_") or name.lower().endswith("_proxy")
    }
    bounds = {"UV_HTTP_TIMEOUT": "30", "UV_CONCURRENT_DOWNLOADS": "4"}
    # Files of settings would be taken from any project that we happen to lie in.
    own = {"HOME": str(home), "UV_CACHE_DIR": str(cache), "UV_NO_CONFIG": "1"}
    return bounds | inherited | own


def _limit_process(file_bytes: int) -> None:
    """In the shell's process: nobody waits for a build as people wait for a run."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    low_priority.be_modest()


class _Shell:
    """A shell that runs one command line. `stderr` is a file: what it and its commands write."""

    def __init__(self, process: asyncio.subprocess.Process, stderr: IO[bytes]) -> None:
        self._process = process
        self.pid = process.pid
        self.stderr = stderr

    async def run(self, command: str) -> tuple[int, str]:
        """The exit status, and the end of what was written to stderr."""
        await self._process.communicate(f"{{ {command}; }} </dev/null".encode())
        status = await self._process.wait()
        size = os.fstat(self.stderr.fileno()).st_size
        tail = os.pread(self.stderr.fileno(), _MAX_STDERR_BYTES, max(0, size - _MAX_STDERR_BYTES))
        return status, tail.decode(errors="replace")

    async def end(self) -> None:
        """Kills what is left of the shell's process group, and the shell itself if need be."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        self.stderr.close()
