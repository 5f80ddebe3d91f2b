import subprocess
import sys
from pathlib import Path

from tests.inference import models

INFER = """
import sys
from pathlib import Path
from tests.inference.engine.served import answer, engine

assert answer(engine([Path(sys.argv[1])]), [{"tensor": [1, 0, 0]}])[0]["out"] == {"variable": [1.1]}
print(*sorted({"pyarrow", "pandas"} & set(sys.modules)))
"""


def test_json_is_answered_without_arrow_and_pandas(tmp_path: Path) -> None:
    """They are 30 and 60 MB of every replica."""
    path = models.linear(tmp_path / "linear")

    run = subprocess.run(
        [sys.executable, "-c", INFER, path], capture_output=True, text=True, check=True
    )

    assert run.stdout.split() == []
