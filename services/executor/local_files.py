"""From what a RunSpec names to files of this machine: its environment and its code."""

from pathlib import Path

import msgspec

from libs.domain.errors import Unavailable
from libs.waiting.retry import retry
from services.executor.backend import RunSpec
from services.executor.code_cache import CodeCache
from services.executor.resolved_spec import ResolvedSpec

_PATIENCE = 60.0  # seconds in which the packager makes an environment again, or a store comes back


class LocalFiles:
    """`environments` is the folder in which the packager builds."""

    def __init__(self, environments: Path, code: CodeCache) -> None:
        self._environments = environments
        self._code = code

    async def resolve(self, spec: RunSpec) -> ResolvedSpec:
        """With all its files there. Raises as Backend.prepare."""
        resolved = await retry(lambda: self._resolved(spec), _PATIENCE)
        resolved.check()
        return resolved

    async def _resolved(self, spec: RunSpec) -> ResolvedSpec:
        environment = self._environments / spec.environment
        if not environment.exists():
            raise Unavailable("its environment is not there; the packager makes it again")
        return ResolvedSpec(
            **msgspec.structs.asdict(spec),
            python=environment / "bin" / "python",
            tree=await self._code.tree(spec.code),
        )
