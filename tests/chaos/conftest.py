import random

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--chaos-minutes", type=float, default=1.0, help="how long faults are made")
    parser.addoption("--chaos-seed", type=int, default=None, help="repeats a printed schedule")


# A run of all tests knows these options only after it has parsed its command line, hence the
# defaults once more.
@pytest.fixture
def minutes(request: pytest.FixtureRequest) -> float:
    return float(request.config.getoption("--chaos-minutes", 1.0))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    given = request.config.getoption("--chaos-seed", None)
    return random.randrange(10**9) if given is None else int(given)
