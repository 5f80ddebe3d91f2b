from pathlib import Path

from libs.service.config import Secret, WithPostgres


class Config(WithPostgres, frozen=True, kw_only=True):
    """`data` is scratch for uploads under way; `public_url` is how users reach the API.

    `signing_key` is an Ed25519 key as PKCS8 PEM, for users' tokens; `task_key` another, for those
    of runs. `internal_token` is what the logs service asks for, `vault_key` a key ring
    (libs/vault/ring.py).
    `oidc_...` name another issuer whose users may call (identity/oidc.py).
    `nats_issuer` is the Ed25519 key by which subscribers are let into NATS, at `nats_public_url`.
    `webhooks_allow` are internal networks that webhooks may go to (subscriptions/egress.py); the
    other three are seconds: for an answer, before the second try, and until it is given up.
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
    vault_key: Secret
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
    nats_issuer: Secret | None = None
    nats_public_url: str = ""
    webhooks_allow: str = ""
    webhooks_timeout: float = 15
    webhooks_first_pause: float = 5
    webhooks_give_up: float = 3 * 86400
