"""One platform for all tests that only use it; those that stop or kill it start their own."""

import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.platform import Api, Platform, api, running


@pytest.fixture(scope="package")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """As users have it, with the real base environment."""
    with running(Platform(tmp_path_factory.mktemp("platform"), packages=True)) as platform:
        yield platform


@pytest.fixture
async def client(platform: Platform, request: pytest.FixtureRequest) -> AsyncIterator[Api]:
    """In a workspace of the test's own."""
    failed = request.session.testsfailed
    async with api(platform, request.node.name) as client:
        yield client
    if request.session.testsfailed > failed:
        sys.stdout.write(platform.shown())
