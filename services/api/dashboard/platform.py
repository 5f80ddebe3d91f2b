"""The platform page, for administrators: which services run, what waits, what is stuck."""

from collections.abc import Mapping
from typing import NamedTuple

from aiohttp import web

from libs.domain.ids import StreamId
from libs.eventlog.dead_letters import DeadLetter
from services.api.admin import commands, queries
from services.api.admin.schemas import ParkedEvent
from services.api.dashboard.form_parsing import body
from services.api.dashboard.page_context import PageContext
from services.api.text import number

_MESSAGES = {
    "done": "The event was handled.",
    "failed": "It failed again: {error}",
    "under_way": "It takes longer than ten seconds. Look again in a while.",
    "discarded": "The event was discarded.",
}


class Stuck(NamedTuple):
    """A parked event and its stream; None for a subject that belongs to no aggregate."""

    parked: DeadLetter
    stream: StreamId | None


async def show(visit: PageContext) -> web.Response:
    return await _render(visit)


async def _render(visit: PageContext, message: str = "", *, bad: bool = False) -> web.Response:
    nats = visit.context.runtime.nats
    state = await queries.platform(visit.user, nats, visit.store.rows)
    return visit.page(
        "platform.html",
        title="Platform",
        platform=state,
        slots=sum(one.slots for one in state.executors),
        used=sum(one.used for one in state.executors),
        stuck=[Stuck(one, _stream(one)) for one in state.parked],
        message=message,
        bad=bad,
    )


def _stream(parked: DeadLetter) -> StreamId | None:
    try:
        return StreamId.of_subject(parked.subject)
    except ValueError:  # msgspec's errors are some, too
        return None


async def retry(visit: PageContext) -> web.Response:
    retried = await commands.retry(visit.caller, visit.context.runtime.nats, await _event(visit))
    message = _MESSAGES[retried.outcome].format(error=retried.error)
    return await _render(visit, message, bad=retried.outcome == "failed")


async def discard(visit: PageContext) -> web.Response:
    await commands.discard(visit.caller, visit.context.runtime.nats, await _event(visit))
    return await _render(visit, _MESSAGES["discarded"])


async def resume(visit: PageContext) -> web.Response:
    await visit.form()
    await commands.resume(visit.caller, visit.context.runtime.nats)
    return await _render(visit, "Released: what is due is run from now on.")


async def _event(visit: PageContext) -> ParkedEvent:
    return body(ParkedEvent, event_fields(await visit.form()))


def event_fields(form: Mapping[str, str]) -> dict[str, object]:
    """The fields of the form. A bad sequence stays as typed, so that it is refused by name."""
    seq = form.get("seq", "")
    return {
        "reaction": form.get("reaction", ""),
        "seq": seq if number(seq) is None else number(seq),
    }
