import random
from collections.abc import Iterator

import pytest

from tests.platform import Platform, running


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-rounds", type=int, default=2, help="rounds of kills")
    parser.addoption("--chaos-seed", type=int, default=None, help="repeats a printed schedule")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """One for each module: what one has run is none of another's invariants."""
    with running(Platform(tmp_path_factory.mktemp("chaos"))) as platform:
        yield platform


# A run of all tests knows these options only after it has parsed its command line, hence the
# defaults once more.
@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--chaos-rounds", 2))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    given = request.config.getoption("--chaos-seed", None)
    return random.randrange(10**9) if given is None else int(given)
