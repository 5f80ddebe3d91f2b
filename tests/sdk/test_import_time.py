"""How long `import rondo` takes: printed, since a busy machine proves nothing; what it loads is
checked instead."""

import subprocess
import sys

import pytest

from tests.sdk import SDK

_SCRIPT = """
import sys, time
sys.path.insert(0, sys.argv[1])
began = time.perf_counter()
import rondo
print(f"import rondo: {(time.perf_counter() - began) * 1000:.0f} ms")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_importing_loads_little(capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-I", "-S", "-c", _SCRIPT, str(SDK)]
    told, modules = subprocess.check_output(command, text=True).splitlines()
    with capfd.disabled():
        print(told)  # noqa: T201 - for whoever runs it
    loaded = set(modules.split())
    assert loaded - set(sys.stdlib_module_names) - {"__main__"} == {"rondo"}
    assert not loaded & {"asyncio", "argparse", "dataclasses", "inspect", "urllib.request"}
