"""The settings of the inference service."""

import os
from pathlib import Path
from typing import Annotated

import msgspec

from libs.service.config import Secret, WithPostgres

Positive = Annotated[float, msgspec.Meta(gt=0)]


class Config(WithPostgres, frozen=True, kw_only=True):
    """`data` is a private folder: a cache of models of about `model_cache_gib` GiB, and records
    that are not sealed yet. `environments` are the packager's, of which those of steps are read.
    `api_url` is where the api is asked who may call, `public_url` by
    default; it knows us, and we it, by `internal_token`.

    As root, each replica and probe has a uid of its own, from `replica_first_uid` on; a probe may
    have `probe_mib` MiB. A request's body has at most `infer_body_mib` MiB, `infer_queue` of them
    wait for a pipeline in one gateway, and one is given up after `infer_timeout` seconds. When the
    service is to end, requests under way get `infer_grace` seconds. There are
    `inference_gateways` processes beside ours that are gateways too. Records outlive a power
    cut after `log_sync_seconds`; all else of them is configured in logs/config.py.
    """

    blobs_url: str
    data: Path
    environments: Path
    public_url: str = ""
    api_url: str = ""
    internal_token: Secret
    model_cache_gib: Positive = 10.0
    replica_first_uid: int = 24000
    probe_mib: Annotated[int, msgspec.Meta(ge=256)] = 4096
    probes: int = max(1, (os.cpu_count() or 1) // 2)
    infer_body_mib: Annotated[int, msgspec.Meta(ge=1)] = 100
    infer_queue: Annotated[int, msgspec.Meta(ge=1)] = 1000
    infer_timeout: Positive = 60.0
    infer_grace: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    inference_gateways: Annotated[int, msgspec.Meta(ge=0)] = 0
    log_sync_seconds: float = 1.0
