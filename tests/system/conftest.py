"""One platform for all tests that only use it; those that stop or kill it start their own."""

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.platform import PACKAGED_WITHIN, Api, Platform, api, running

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever is the first on its worker waits for the base environment, which is large."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(2 * PACKAGED_WITHIN))


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
