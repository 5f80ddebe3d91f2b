"""The timeline: lanes of runs by hour, day or week, and the last runs of a task."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from aiohttp import web

from libs.domain.run_end import ENDED
from services.api.access import authorize as access
from services.api.dashboard import chart, timeline_svg
from services.api.dashboard.form_parsing import number
from services.api.dashboard.page_context import PageContext
from services.api.dashboard.timeline_svg import Scale
from services.api.read_model.runs import runs_shown, task_stats
from services.api.text import uuid
from services.api.timeline.queries import DEFAULT_LANES, timeline
from services.api.timeline.schemas import Timeline

_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


class Zoom(NamedTuple):
    """`ahead` is how much of what is to come is seen, at least; `form` is of the marks' labels."""

    length: timedelta
    step: timedelta
    ahead: timedelta
    form: str
    inner: Literal["", "hour", "day"]


ZOOMS = {
    "hour": Zoom(timedelta(hours=1), timedelta(minutes=5), timedelta(minutes=10), "%H:%M", ""),
    "day": Zoom(timedelta(days=1), timedelta(hours=2), timedelta(hours=4), "%H:%M", "hour"),
    "week": Zoom(timedelta(days=7), timedelta(days=1), timedelta(days=1), "%a %d %b", "day"),
}


class Window(NamedTuple):
    """What the page's address asks for: `zoom` before `end`; `now` is whether that is now."""

    name: str
    zoom: Zoom
    end: datetime
    now: bool
    lanes: int
    task: str

    @property
    def start(self) -> datetime:
        return self.end - self.zoom.length

    def address(self, **changes: str) -> str:
        fields = {"zoom": self.name, "end": "" if self.now else _text(self.end), "task": self.task}
        return "?" + urlencode({name: text for name, text in (fields | changes).items() if text})


def window(query: Any, now: datetime) -> Window:
    """Whatever can't be understood is left out."""
    name = query.get("zoom", "") if query.get("zoom") in ZOOMS else "hour"
    zoom = ZOOMS[name]
    # The axis's marks stand at round times.
    current = _EPOCH + ((now - _EPOCH) // zoom.step + 1) * zoom.step + zoom.ahead
    try:
        instant = datetime.fromisoformat(query.get("end", "").replace(" ", "+"))
        end = instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
        _ = end - timedelta(days=366), end + timedelta(days=366)
    except (ValueError, OverflowError):
        end = current
    lanes = number(query.get("lanes", "")) or DEFAULT_LANES
    return Window(name, zoom, end, end == current, lanes, query.get("task", ""))


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


async def show(visit: PageContext) -> web.Response:
    now = datetime.now(UTC)
    view = window(visit.context.request.query, now)
    workspace = visit.chosen.id
    lanes = await timeline(
        visit.user, visit.store.rows, workspace, view.start, view.end, view.lanes
    )
    scale = Scale(view.start, view.end)
    return visit.page(
        "timeline.html",
        title="Timeline",
        window=view,
        zooms=[(name, view.address(zoom=name, end="")) for name in ZOOMS],
        earlier=view.address(end=_text(view.end - view.zoom.length)),
        later=view.address(end=_text(view.end + view.zoom.length)),
        current=view.address(end=""),
        ticks=_ticks(view),
        grid=timeline_svg.grid(view.zoom.length // view.zoom.step),
        now=scale.x(now) if view.start <= now < view.end else None,
        lanes=[timeline_svg.drawn(lane, scale, now) for lane in lanes.lanes],
        more=view.address(lanes=str(view.lanes + DEFAULT_LANES)) if lanes.limited else "",
        width=timeline_svg.WIDTH,
        height=timeline_svg.HEIGHT,
        chart=await _chart(visit, view, lanes),
    )


def _ticks(view: Window) -> list[tuple[timeline_svg.Tick, str]]:
    """Each with the address that looks at what follows it more closely."""
    marks = timeline_svg.ticks(view.start, view.end, view.zoom.step, view.zoom.form)
    inner = view.zoom.inner
    if not inner:
        return [(mark, "") for mark in marks]
    length = ZOOMS[inner].length
    return [(mark, view.address(zoom=inner, end=_text(mark.at + length))) for mark in marks]


async def _chart(visit: PageContext, view: Window, lanes: Timeline) -> dict[str, Any] | None:
    """Of the task that is asked for, or that ran last."""
    id = uuid(view.task) or _first(lanes)
    if id is None:
        return None
    rows = visit.context.store.rows
    task = (await access.task(visit.context.user, rows, id, field="task")).task
    runs = await runs_shown(rows, task=id, statuses=sorted(ENDED), limit=chart.RUNS)
    stats = await task_stats(rows, id, chart.RUNS)
    ended = sum(stats.counts.values())
    return {
        "task": task,
        "stats": stats,
        "runs": ended,
        "share": stats.counts.get("success", 0) / ended if ended else None,
        "columns": chart.columns([one.run for one in reversed(runs)], stats.longest_seconds),
        "median": chart.HEIGHT - chart.height_of(stats.median_seconds or 0, stats.longest_seconds),
    }


def _first(lanes: Timeline) -> UUID | None:
    return next((lane.task for lane in lanes.lanes if lane.runs), None)
