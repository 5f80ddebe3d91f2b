"""What a form has sent, as text. Browsers send it URL-encoded; what is sent otherwise is no form
of ours, so it has no fields, not even the one without which none is heeded."""

from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from libs.domain.errors import Rejected
from services.api.route import FORM

_MOST_FIELDS = 1000


async def fields(request: web.Request) -> MultiDict[str]:
    if request.content_type != FORM:
        return MultiDict()
    text = (await request.read()).decode(errors="replace")
    try:
        return MultiDict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        raise Rejected("invalid", f"form: over {_MOST_FIELDS} fields; send fewer") from None
