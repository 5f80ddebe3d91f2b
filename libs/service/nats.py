"""The connection to NATS as a service's configuration describes it."""

from contextlib import AbstractAsyncContextManager

from libs.eventlog import nats_client
from libs.eventlog.nats_client import Nats
from libs.service.config import Config


def connected(config: Config) -> AbstractAsyncContextManager[Nats]:
    """As `wire.connect`."""
    token = config.nats_token.reveal() if config.nats_token else None
    return nats_client.connect(config.nats_url, token, server=config.nats_server)
