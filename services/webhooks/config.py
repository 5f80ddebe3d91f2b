from libs.service.config import Secret, WithPostgres


class WebhooksConfig(WithPostgres, frozen=True, kw_only=True):
    """`vault_key` is a key ring (libs/vault/ring.py).

    `nats_issuer` is the Ed25519 key by which subscribers are let into NATS, at `nats_public_url`.
    `webhooks_allow` are internal networks that webhooks may go to (egress.py); the other three are
    seconds: for an answer, before the second try, and until an event is given up.
    """

    vault_key: Secret
    nats_issuer: Secret | None = None
    nats_public_url: str = ""
    webhooks_allow: str = ""
    webhooks_timeout: float = 15
    webhooks_first_pause: float = 5
    webhooks_give_up: float = 3 * 86400
