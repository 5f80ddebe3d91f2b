"""Bodies that come in. Unknown fields are ignored; known ones have exactly these types.

They are not the domain's types: its limits are told by its own messages.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from msgspec import Meta

from libs.domain.errors import Rejected
from libs.domain.events import Misfire, Mode, Overlap, Role
from services.api.http.surrogates import field_with_half

WorkspaceId = Annotated[int, Meta(ge=1, le=2**53 - 1, description="Number of the workspace.")]
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
RunStatus = Literal["running", "success", "failure", "timed_out", "killed", "unknown"]

MAX_NAME = 256
DEFAULT_RUNS = 5
MOST_RUNS = 1000
MOST_LISTED = 10_000  # of anything, where no limit is given: the newest


class CreateWorkspace(msgspec.Struct):
    workspace_name: Annotated[str, Meta(examples=["churn-models"])]


class ListWorkspaces(msgspec.Struct):
    """Of one user, or by default all that the caller may see."""

    user_id: UUID | None = None


class AddMember(msgspec.Struct):
    """The user by id or by email. One who is a member already changes to this type."""

    workspace_id: WorkspaceId
    user_id: UUID | None = None
    email: Email | None = None
    user_type: Role = "collaborator"


class RemoveMember(msgspec.Struct):
    """The user by id or by email."""

    workspace_id: WorkspaceId
    user_id: UUID | None = None
    email: Email | None = None


class ListMembers(msgspec.Struct):
    workspace_id: WorkspaceId


class CreateConnection(msgspec.Struct):
    """`type` is your own word for it; `details` are for your code: hosts, names, passwords."""

    name: Annotated[str, Meta(examples=["houseprice_arrow_table"])]
    type: Annotated[str, Meta(examples=["HTTPFILE"])]
    details: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"CreateConnection(name={self.name!r})"


class ConnectionByName(msgspec.Struct):
    name: str


class ConnectionById(msgspec.Struct):
    id: UUID


class ListConnections(msgspec.Struct):
    """Of one workspace, or by default all that the caller may see."""

    workspace_id: WorkspaceId | None = None


class Attachment(msgspec.Struct):
    workspace_id: WorkspaceId
    connection_id: UUID


class Nothing(msgspec.Struct):
    """An empty object."""


class UploadMetadata(msgspec.Struct):
    workspace_id: WorkspaceId
    name: Annotated[str, Meta(min_length=1, max_length=MAX_NAME)] | None = None


class UploadForm(msgspec.Struct):
    """`file` is a ZIP with a main.py and at most one requirements.txt; parts in any order."""

    file: bytes
    metadata: UploadMetadata


class ListOrchestrations(msgspec.Struct):
    """A page is asked for by `limit`, the one after it by `before`: the oldest that it had.
    Without a limit these are the newest 10,000; so in all lists."""

    workspace_id: WorkspaceId
    limit: Page | None = None
    before: Before | None = None


class ListAllOrchestrations(msgspec.Struct):
    """No ids: all workspaces that the caller may see. Statuses: only tasks with such a run."""

    workspace_ids: list[WorkspaceId] = []
    task_run_status: list[RunStatus] = []
    killed: bool | None = None
    limit: Page | None = None
    before: Before | None = None


class OrchestrationById(msgspec.Struct):
    id: UUID


class RetryPolicy(msgspec.Struct):
    """How often a run that fails or times out is tried in all, and the first pause in seconds.

    The pause doubles from one try to the next.
    """

    attempts: int = 1
    backoff: float = 1.0


class RunTask(msgspec.Struct, kw_only=True):
    """`json` is what the task gets as its arguments; `timeout` of a run is in seconds. `mode` exec
    gives each run a new interpreter, fork one with its imports loaded already, where that can be.
    `grace` is how many seconds a run that is killed or timed out gets to end by itself; default 5.
    """

    orch_id: UUID
    workspace_id: WorkspaceId
    json: dict[str, Any] | None = None
    name: str | None = None
    timeout: int | None = None
    debug: bool | None = None
    retry: RetryPolicy | None = None
    mode: Mode | None = None
    grace: float | None = None


class RunScheduled(RunTask, kw_only=True):
    """`misfire` says what becomes of ticks that nobody could fire in time, `overlap` what a tick
    does while an earlier run is still open."""

    schedule: Annotated[
        str,
        Meta(
            description="Cron: 5 fields, or 6 with seconds first; see docs/schedules.md.",
            examples=["*/5 * * * *"],
        ),
    ]
    zone: Annotated[str, Meta(description="IANA time zone.", examples=["Europe/Berlin"])] = "UTC"
    misfire: Misfire = "latest"
    misfire_cap: int = 100
    overlap: Overlap = "allow"


class TaskById(msgspec.Struct):
    id: UUID
    run_limit: Few | None = None


class ListTasks(msgspec.Struct):
    """`killed` lists the killed ones instead of the others."""

    workspace_id: WorkspaceId | None = None
    orch_id: UUID | None = None
    orch_sha: Sha | None = None
    killed: bool | None = None
    run_limit: Few | None = None
    limit: Page | None = None
    before: Before | None = None


class TasksBySha(msgspec.Struct):
    sha: Sha


class KillTask(msgspec.Struct):
    """Logs of the task's runs go with it unless they are to be kept."""

    id: UUID
    keep_logs: bool = False


class PauseTask(msgspec.Struct):
    """`pause` false resumes."""

    id: UUID
    pause: bool


class ListRuns(msgspec.Struct):
    task_id: UUID
    limit: Annotated[int, Meta(ge=1, le=MOST_RUNS)] | None = None
    status: Literal["all"] | RunStatus | None = None
    before: Before | None = None


class RunDetails(msgspec.Struct):
    """`pod_id` is the run's id."""

    task: UUID
    pod_id: UUID


class RunLogs(msgspec.Struct):
    """`id` is the run's; `lines` is how many to give of the last ones, by default all."""

    id: UUID
    lines: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None


Body = TypeVar("Body")

_HALF = "half of a surrogate pair, such as \\ud800 alone, is no character; leave it out"

# What msgspec says, and what to do about it.
_REMEDIES = {
    "Invalid UUID": "give a UUID as the platform answered it",
    "truncated": "send a JSON object",
    "malformed": "send a JSON object",
    "out of range": "give a smaller number",
    "[0-9a-fA-F]": "give 64 hexadecimal digits",
    "@": "give an email address",
}


def decoder(kind: type[Body]) -> Callable[[bytes], Body]:
    """From JSON, or Rejected("invalid") that names the field."""
    decode = msgspec.json.Decoder(kind).decode

    def checked(body: bytes) -> Body:
        try:
            return decode(body)
        except RecursionError:
            raise Rejected("invalid", "body: nested too deeply; flatten it") from None
        except UnicodeDecodeError:
            raise Rejected("invalid", "body: not UTF-8; send JSON in UTF-8") from None
        except msgspec.DecodeError as error:
            if (place := field_with_half(body)) is not None:
                raise Rejected("invalid", f"{place}: {_HALF}") from None
            raise Rejected("invalid", _readable(str(error))) from None

    return checked


def _readable(problem: str) -> str:
    """From "Expected `int`, got `str` - at `$.timeout`" to "timeout: expected int, got str"."""
    what, _, path = problem.partition(" - at `")
    field = path.strip("`").removeprefix("$").removeprefix(".")
    if what.startswith("Object missing required field "):
        missing = what.split("`")[1]
        return f"{field + '.' if field else ''}{missing}: this field is required; add it"
    remedy = next((text for mark, text in _REMEDIES.items() if mark in what), "")
    text = what.replace("`", "").replace("Expected", "expected")
    return f"{field or 'body'}: {text}" + (f"; {remedy}" if remedy else "")
