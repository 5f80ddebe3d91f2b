import random
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-minutes", type=float, default=0.0, help="how long: a round, if less")
    parser.addoption("--chaos-seed", type=int, default=None, help="repeats a printed schedule")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A round may take three minutes to become well again on a busy machine."""
    limit = 60 * float(config.getoption("--chaos-minutes", 0.0)) + 600
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(limit))


# A run of all tests knows these options only after it has parsed its command line, hence the
# defaults once more.
@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--chaos-minutes", 0.0))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    given = request.config.getoption("--chaos-seed", None)
    return random.randrange(10**9) if given is None else int(given)
