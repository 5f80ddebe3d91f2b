from pathlib import Path

from libs.service.config import Secret
from services.webhooks.config import WebhooksConfig


class Config(WebhooksConfig, frozen=True, kw_only=True):
    """`data` is scratch for uploads under way; `public_url` is how users reach the API.

    `signing_key` is an Ed25519 key as PKCS8 PEM, for users' tokens; `task_key` another, for those
    of runs. `internal_token` is what the logs service asks for.
    `oidc_...` name another issuer whose users may call (identity/oidc.py).
    `trusted_proxies` are the networks whose X-Forwarded-For is believed (libs/service/address.py).
    `metrics_token` is what a Prometheus shows that is to read /metrics; `scraped` says where the
    services listen whose metrics it gets here too: `name=address`, with spaces between.
    The first administrator is made of `admin_...` when there is none yet.
    """

    blobs_url: str
    data: Path
    logs_url: str
    public_url: str
    signing_key: Secret
    internal_token: Secret
    task_key: Secret
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
