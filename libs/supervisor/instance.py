"""What the parts of a starting instance share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from libs.supervisor.folder import Folder
from libs.supervisor.guard import Guard
from libs.supervisor.ports import Ports
from libs.supervisor.process import Process, Program, Ready
from libs.supervisor.terminal import Terminal
from libs.supervisor.zygote import Zygote


@dataclass(frozen=True)
class Instance:
    """One instance on its folder. `operator` is the environment that `rondo up` was given."""

    folder: Folder
    ports: Ports
    operator: Mapping[str, str] = field(repr=False)
    terminal: Terminal
    guard: Guard
    zygote: Zygote | None = None

    def secret(self, name: str) -> Path:
        """The file of the secret `name`."""
        return self.folder.part("secrets") / name

    def process(self, program: Program, ready: Ready) -> Process:
        """A process of this instance; as long as it lives, the folder stays locked."""
        return Process(program, ready, self.terminal, self.folder.lock, self.guard, self.zygote)
