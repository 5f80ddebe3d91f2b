from pathlib import Path
from typing import Annotated

import msgspec

from libs.service.config import Secret
from services.webhooks.config import WebhooksConfig

NOBODY = "http://127.0.0.1:9"  # the port of the discard service: nothing listens there


class Config(WebhooksConfig, frozen=True, kw_only=True):
    """Settings of the API service.

    `data` is a folder for uploads that are being received; `public_url` is how users reach the API.

    `signing_key` is an Ed25519 key as PKCS8 PEM, for users' tokens; `task_key` another, for those
    of runs. `internal_token` opens the logs service, and to the inference service what we tell it;
    without `inference_url` nothing infers. An inference waits `infer_hold` seconds for a service
    that is being started again.
    `oidc_...` name another issuer whose users may call (libs/identity/oidc.py).
    `trusted_proxies` are networks whose X-Forwarded-For the API believes (libs/service/address.py).
    `metrics_token` opens /metrics for a Prometheus; `scraped` are the addresses of services whose
    metrics the API serves too: `name=address`, separated by spaces.
    `admin_...` create the first administrator when there is none yet.
    """

    blobs_url: str
    data: Path
    logs_url: str
    public_url: str
    signing_key: Secret
    internal_token: Secret
    task_key: Secret
    inference_url: str = NOBODY
    infer_hold: Annotated[float, msgspec.Meta(ge=0)] = 20.0
    metrics_token: Secret | None = None
    scraped: str = ""
    max_upload_bytes: int = 1 << 30
    access_token_seconds: int = 1800
    admin_email: str = ""
    admin_password: Secret | None = None
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_email_claim: str = "email"
    oidc_admin_claim: str = ""
    oidc_admin_value: str = ""
    trusted_proxies: str = ""
