"""Requests to other OpenID issuers, with limits on time and size."""

from collections.abc import Mapping

import aiohttp

from libs.domain.errors import Unavailable
from libs.identity.oidc_client import Fetch

_TIMEOUT_SECONDS = {"GET": 5.0, "POST": 10.0}
_MAX_BYTES = 1 << 20


def issuer_fetch(session: aiohttp.ClientSession) -> Fetch:
    """The function by which libs/identity sends requests to an issuer, over `session`."""

    async def fetch(url: str, form: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        method = "GET" if form is None else "POST"
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS[method])
        try:
            async with session.request(
                method, url, data=form, timeout=timeout, allow_redirects=False
            ) as answer:
                return answer.status, await _whole(answer)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(f"OpenID issuer, {url}: {error!r}") from error

    return fetch


async def _whole(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > _MAX_BYTES:
            raise ValueError(f"the answer is over {_MAX_BYTES} bytes")
    return bytes(body)
