"""Bodies and answers of the routes for pipeline logs; and what the inference service is asked."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from services.api.fields import Number, WorkspaceId
from services.api.pipelines.schemas import PipelineName

MAX_RECORDS = 1_000_000  # of a page
DEFAULT_RECORDS = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """As services/inference/logs/log_query.py has it."""

    start: int = 0
    end: int = 2**63 - 1
    descending: bool = False
    tail: bool = False
    limit: int | None = None
    cursor: str | None = None
    run: str | None = None
    dataset: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()
    separator: str | None = "."
    form: Literal["arrow", "json"] = "arrow"


NO_ROWS = LogQuery(start=1, end=0)


class TopicOf(msgspec.Struct):
    """`pipeline_pk_id` is the number of the pipeline."""

    pipeline_pk_id: Number


class TopicName(msgspec.Struct):
    topic_name: str


Iterator = Annotated[
    dict[str, str | int], Meta(description="Empty at first, then `next` of the answer before.")
]


class Span(msgspec.Struct):
    start: int
    end: int


class Partitions(msgspec.Struct):
    """How many records there are; all pipelines have one partition."""

    partitions: dict[str, Span]


class GetLogs(msgspec.Struct):
    """Records from `start_time` to `end_time`, the oldest first unless `order` is `desc`; `cursor`
    is x-iteration-cursor of the answer before."""

    pipeline_name: PipelineName
    workspace_id: WorkspaceId
    order: Literal["asc", "desc", "Asc", "Desc"] | None = None
    cursor: str | None = None
    page_size: Annotated[int, Meta(ge=1, le=MAX_RECORDS)] | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None

    @property
    def query(self) -> LogQuery:
        return LogQuery(
            start=first_ms(self.start_time),
            end=last_ms(self.end_time),
            descending=(self.order or "").lower() == "desc",
            limit=self.page_size or DEFAULT_RECORDS,
            cursor=self.cursor,
            separator=None,
        )


class Records(NamedTuple):
    """A page of nested records, and the cursor that goes on from it, if there is more."""

    records: list[dict[str, Any]]
    next: str | None


def first_ms(moment: datetime | None) -> int:
    """The first millisecond since 1970 that is not before; without a zone it is UTC."""
    return -(-_since_epoch(moment) // _MS) if moment else 0


def last_ms(moment: datetime | None) -> int:
    """The last millisecond since 1970 that is not after."""
    return _since_epoch(moment) // _MS if moment else LogQuery().end


def _since_epoch(moment: datetime) -> timedelta:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH
