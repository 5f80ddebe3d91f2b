"""The API service and its people, as the tests of the API have them."""

from tests.api.conftest import log, member, outsider, people, service, world

__all__ = ["log", "member", "outsider", "people", "service", "world"]
