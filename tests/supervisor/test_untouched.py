"""What is refused has changed nothing: an instance that runs stays as it was."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from libs.domain.errors import Rejected
from libs.supervisor.backup import _alone
from tests.supervisor.instance import Instance

COMMANDS = {
    "restore": ("restore", "--from", "{backup}", "--data", "{data}"),
    "backup": ("backup", "--data", "{data}", "--to", "{data}"),
    "backup of nothing": ("backup", "--data", "{backup}", "--to", "{data}"),
    "up": ("up", "--port", "0", "--data", "{data}"),
}


def seen(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Mode, owner and inode of all that is not written to by running servers anyway."""
    found = {}
    for path in (folder, *folder.iterdir(), *(folder / "secrets").iterdir()):
        status = path.stat()
        found[str(path)] = (status.st_mode, status.st_uid, status.st_ino)
    return found


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("mode", [0o700, 0o711, 0o750])
def test_a_folder_in_use_stays_as_it_is(
    name: str, mode: int, instance: Instance, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    backup.mkdir()
    (backup / "manifest.json").write_text(json.dumps({"format": 1, "ends": {}, "made_at": ""}))
    instance.data.chmod(mode)
    before = seen(instance.data)
    words = [word.format(backup=backup, data=instance.data) for word in COMMANDS[name]]
    command = [str(Path(sys.executable).with_name("rondo")), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stderr
    assert seen(instance.data) == before
    assert instance.end() == 0


def test_two_restores_to_one_place_do_not_rob_each_other(tmp_path: Path) -> None:
    beside, data = tmp_path / ".data.restoring", tmp_path / "data"
    with _alone(beside, data):
        (beside / "nats").mkdir()
        with pytest.raises(Rejected, match="another restore"), _alone(beside, data):
            pass
        assert (beside / "nats").exists()
    with _alone(beside, data):  # what one that was killed has left
        assert [path.name for path in beside.iterdir()] == ["lock"]
