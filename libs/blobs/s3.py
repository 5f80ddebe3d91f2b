"""A blob store in an S3 bucket. The only file that knows aiobotocore.

Credentials come from where AWS tools look for them (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,
or the file that AWS_SHARED_CREDENTIALS_FILE names), never from us.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

import aiohttp
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

from libs.blobs.staging import disk_errors, staged
from libs.blobs.store import PIECE, check_key, check_prefix, no_such_key
from libs.domain.errors import Rejected, Unavailable

PART = 16 << 20  # bytes; larger files go up in parts of at least this
_MAX_PARTS = 10_000  # S3's limit for one file
_ABANDONED = timedelta(days=1)  # after which an unfinished upload is taken for a crash's
_ABORT_TIMEOUT_SECONDS = 10  # seconds for clearing up after a failed upload

_HOME = "us-east-1"  # the one region that S3 does not let us name when we make a bucket
_NO_CREDENTIALS = "no S3 credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "401", "403"}
_FULL = {"507", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"}
_MISSING = {"404", "NotFound", "NoSuchKey"}

Parts = list[dict[str, Any]]  # number and ETag of each, as S3 wants them back

_log = logging.getLogger(__name__)


class S3Store:
    """BlobStore over the keys of `bucket` that begin with `prefix`: empty, or ending in a slash."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    async def put(self, key: str, path: Path) -> None:
        where = self._where(key)
        with path.open("rb") as file, _s3_errors(f"storing blob {key}"):
            size = path.stat().st_size
            if size > PART:
                await self._put_in_parts(where, file, size)
            else:
                body = await asyncio.to_thread(file.read)
                await self._client.put_object(**where, Body=body)

    async def get(self, key: str, path: Path) -> None:
        with disk_errors(f"writing blob {key} to {path}"):
            async with staged(path, path.parent, durable=False) as file:
                with _s3_errors(f"reading blob {key}"), _not_found(key):
                    answer = await self._client.get_object(**self._where(key))
                    async with answer["Body"] as body:
                        async for piece in body.iter_chunks(PIECE):
                            await asyncio.to_thread(file.write, piece)

    async def delete(self, key: str) -> None:
        with _s3_errors(f"deleting blob {key}"):
            await self._client.delete_object(**self._where(key))

    async def exists(self, key: str) -> bool:
        try:
            with _s3_errors(f"looking for blob {key}"), _not_found(key):
                await self._client.head_object(**self._where(key))
        except Rejected as rejected:
            if rejected.code == "not_found":
                return False
            raise
        return True

    async def list(self, prefix: str) -> Sequence[str]:
        check_prefix(prefix)
        with _s3_errors("listing blobs"):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + prefix
            )
            names = [found["Key"] async for page in pages for found in page.get("Contents", ())]
        start = len(self._prefix)
        return sorted(name[start:] for name in names if not name.endswith("/"))

    async def check(self) -> None:
        # Not head_bucket: an answer to HEAD has no body to say why we are refused.
        with _s3_errors(f"checking bucket {self._bucket}"):
            await self._client.list_objects_v2(Bucket=self._bucket, Prefix=self._prefix, MaxKeys=1)

    def _where(self, key: str) -> dict[str, str]:
        check_key(key)
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    async def _put_in_parts(self, where: dict[str, str], file: BinaryIO, size: int) -> None:
        """Readers see the file when complete_multipart_upload has succeeded, not before."""
        answer = await self._client.create_multipart_upload(**where)
        upload = where | {"UploadId": answer["UploadId"]}
        try:
            parts = await self._put_parts(upload, file, max(PART, -(-size // _MAX_PARTS)))
            await self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        except BaseException:  # a cancelled upload is cleared up too
            with suppress(BotoCoreError, ClientError, aiohttp.ClientError, TimeoutError, OSError):
                async with asyncio.timeout(_ABORT_TIMEOUT_SECONDS):
                    await self._client.abort_multipart_upload(**upload)
            raise

    async def _put_parts(self, upload: dict[str, str], file: BinaryIO, part_size: int) -> Parts:
        """One part at a time: the memory of an upload is one part."""
        parts: Parts = []
        while body := await asyncio.to_thread(file.read, part_size):
            number = len(parts) + 1
            answer = await self._client.upload_part(**upload, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        return parts


@asynccontextmanager
async def open_s3(
    bucket: str, prefix: str, endpoint: str | None, region: str
) -> AsyncIterator[S3Store]:
    """The bucket, made if it is missing. `endpoint` is the server's URL; None means Amazon's."""
    config = AioConfig(
        connect_timeout=5,
        read_timeout=60,
        retries={"total_max_attempts": 3, "mode": "standard"},
        s3={"addressing_style": "path"},
        # The checksums that newer clients add by default break on some S3 servers.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    session = get_session()
    async with session.create_client(
        "s3", endpoint_url=endpoint, region_name=region, config=config
    ) as client:
        with _s3_errors(f"opening bucket {bucket}"):
            await _make_bucket(client, bucket, prefix, region)
            await _sweep(client, bucket, prefix)
        yield S3Store(client, bucket, prefix)


async def _make_bucket(client: Any, bucket: str, prefix: str, region: str) -> None:
    """Create the bucket if there is none."""
    try:
        await client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except client.exceptions.NoSuchBucket:
        region_option = {"CreateBucketConfiguration": {"LocationConstraint": region}}
        others = (client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists)
        with suppress(*others):  # another service opened it at the same time
            await client.create_bucket(Bucket=bucket, **({} if region == _HOME else region_option))


async def _sweep(client: Any, bucket: str, prefix: str) -> None:
    """Abort the uploads that crashed writers left; the server would keep their parts for ever."""
    try:
        answer = await client.list_multipart_uploads(Bucket=bucket, Prefix=prefix)
        for upload in answer.get("Uploads", ()):
            if upload["Initiated"] < datetime.now(UTC) - _ABANDONED:
                where = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                await client.abort_multipart_upload(Bucket=bucket, **where)
    except ClientError as error:  # we may lack the right, and can do without
        _log.warning("unfinished uploads in bucket %s are left in place: %s", bucket, _code(error))


@contextmanager
def _not_found(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _code(error) in _MISSING:
            raise no_such_key(key) from None
        raise


@contextmanager
def _s3_errors(doing: str) -> Iterator[None]:
    """What botocore and aiohttp raise, as Unavailable or Rejected("no_space")."""
    try:
        yield
    except ClientError as error:
        raise _translated(doing, error) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise Unavailable(f"{doing}: {_NO_CREDENTIALS}") from error
    except (BotoCoreError, aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise Unavailable(f"{doing}: {error or type(error).__name__}") from error


def _translated(doing: str, error: ClientError) -> Rejected | Unavailable:
    code = _code(error)
    if code in _FULL or error.response["ResponseMetadata"].get("HTTPStatusCode") == 507:
        return Rejected("no_space", f"{doing}: the S3 server has no space left; free some there")
    if code in _REFUSED:
        return Unavailable(f"{doing}: the S3 server refuses our credentials or rights ({code})")
    return Unavailable(f"{doing}: the S3 server says {code}")


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
