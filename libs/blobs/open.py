"""From a URL to the blob store that it names."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from libs.blobs.local import LocalStore
from libs.blobs.store import BlobStore
from libs.domain.errors import Rejected

_FORMS = "file:///folder or s3://bucket/prefix?endpoint=http://host:port&region=name"
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[BlobStore]:
    """The store at `file:///folder` or `s3://bucket/prefix?endpoint=http://host:port&region=name`.

    Rejected("invalid") if the URL is of neither form or holds credentials, which belong in the
    AWS_* variables or files; Unavailable if the store can't be reached now.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        yield LocalStore(_folder(parts))
    elif parts.scheme == "s3":
        # Here, so that who keeps blobs in a folder is spared 10 MB and 90 ms of importing.
        from libs.blobs.s3 import open_s3

        async with open_s3(*_bucket(parts)) as store:
            yield store
    else:
        raise Rejected("invalid", f"blobs URL: it must be {_FORMS}")


def _folder(parts: SplitResult) -> Path:
    if parts.netloc or parts.query or parts.fragment or not parts.path.startswith("/"):
        raise Rejected("invalid", "blobs URL: a folder is file:///absolute/path and no more")
    return Path(unquote(parts.path))


def _bucket(parts: SplitResult) -> tuple[str, str, str | None, str]:
    """Bucket, prefix, endpoint, region. No message repeats the URL: it may hold a secret."""
    options = dict(parse_qsl(parts.query))
    endpoint = urlsplit(options.get("endpoint", ""))
    if "@" in parts.netloc or "@" in endpoint.netloc or options.keys() - {"endpoint", "region"}:
        raise Rejected(
            "invalid",
            "blobs URL: only endpoint and region go after the question mark, and no credentials"
            " anywhere: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead",
        )
    if not _BUCKET.fullmatch(parts.netloc):
        raise Rejected("invalid", f"blobs URL: not a bucket's name; it must be {_FORMS}")
    if "endpoint" in options and (endpoint.scheme not in ("http", "https") or not endpoint.netloc):
        raise Rejected("invalid", "blobs URL: endpoint must be http://host:port or https://host")
    prefix = unquote(parts.path).strip("/")
    region = options.get("region", "us-east-1")
    return parts.netloc, prefix and prefix + "/", options.get("endpoint"), region
