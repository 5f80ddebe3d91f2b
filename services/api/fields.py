"""Fields and bodies that several nouns share.

Unknown fields are ignored; known ones have exactly these types.

They are not the domain's types: its limits are told by its own messages.
"""

import platform
from datetime import datetime
from importlib.metadata import version
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain.run import BegunStatus

WorkspaceId = Annotated[int, Meta(ge=1, le=2**53 - 1, description="Number of the workspace.")]
Number = Annotated[int, Meta(ge=1, le=2**53 - 1, description="As the platform answered it.")]
Sha = Annotated[str, Meta(pattern="^[0-9a-fA-F]{64}$", description="SHA-256 of the file, in hex.")]
# No control characters, as in names (libs/domain/names.py).
_IN_EMAIL = r"[^@\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
Email = Annotated[
    str,
    Meta(pattern=f"^{_IN_EMAIL}+@{_IN_EMAIL}+$", max_length=254),
]
Few = Annotated[int, Meta(ge=0, le=1000)]
Page = Annotated[int, Meta(ge=1, le=1000, description="How many of the newest to give.")]
Before = Annotated[UUID, Meta(description="Only what is older than the one with this id.")]
RunStatus = Literal[BegunStatus, "unknown"]
MAX_NAME = 256
DEFAULT_RUNS = 5
MAX_RUNS = 1000
MAX_LISTED = 10_000  # of anything, where no limit is given: the newest


class Nothing(msgspec.Struct):
    """An empty object."""


Instant = Annotated[datetime, Meta(tz=True)]
ARCH: Literal["x86", "arm"] = "arm" if platform.machine() in ("aarch64", "arm64") else "x86"
VERSION = version("rondo")


class Created(msgspec.Struct):
    id: UUID
