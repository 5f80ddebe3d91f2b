"""The blocking modules are what generate.py makes of the coroutines."""

import subprocess
import sys

from tests.sdk import SDK


def test_nobody_forgot_to_generate() -> None:
    command = [sys.executable, str(SDK / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
