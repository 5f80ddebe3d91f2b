from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervisor.instance import Instance


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    with Instance(tmp_path) as instance:
        instance.ready()
        yield instance
