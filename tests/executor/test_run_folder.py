"""The folder of a run serves the next one, which finds nothing of it, whatever it has done there.

Runs of the same uid may do to their folder what any owner may.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from services.executor.local.home import RunFolder
from services.executor.resolved_spec import ResolvedSpec

TREE = {"main.py": b"print('hello')", "data/table.csv": b"1,2\n", "data/tool": b"#!/bin/sh\n"}
TOKEN = "cache/of/token.json"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.make()
    return folder


def spec(tmp_path: Path, tree: dict[str, bytes], token: bytes = b"secret") -> ResolvedSpec:
    code = tmp_path / uuid4().hex
    for name, content in tree.items():
        (code / name).parent.mkdir(parents=True, exist_ok=True)
        (code / name).write_bytes(content)
        (code / name).chmod(0o755 if name == "data/tool" else 0o644)
    return ResolvedSpec(
        run_id=uuid4(),
        task_id=uuid4(),
        slot=0,
        environment="",
        code="",
        python=Path("python"),
        tree=code,
        entrypoint="main.py",
        arguments=b'{"of": "a run"}',
        files={TOKEN: token},
    )


def inodes(folder: RunFolder) -> dict[str, int]:
    return {str(each): each.lstat().st_ino for each in [folder.home, *folder.home.rglob("*")]}


def contents(folder: RunFolder) -> dict[str, tuple[bytes, int]]:
    """Of all files: bytes and mode."""
    files = (each for each in folder.home.rglob("*") if not each.is_dir())
    return {
        str(each.relative_to(folder.home)): (each.read_bytes(), stat.S_IMODE(each.lstat().st_mode))
        for each in files
    }


def filled_anew(tmp_path: Path, spec: ResolvedSpec) -> dict[str, tuple[bytes, int]]:
    other = RunFolder(tmp_path / uuid4().hex)
    other.make()
    other.fill(spec, None)
    return contents(other)


def test_all_that_was_made_serves_again(tmp_path: Path, folder: RunFolder) -> None:
    first = spec(tmp_path, TREE)
    folder.fill(first, None)
    before = inodes(folder)
    assert folder.clear()
    folder.fill(first, None)
    assert inodes(folder) == before


def test_a_cleared_one_tells_nothing(tmp_path: Path, folder: RunFolder) -> None:
    folder.fill(spec(tmp_path, TREE), None)
    (folder.home / "own").mkdir()
    (folder.home / "own" / "result").write_text("of a run")
    (folder.home / "data" / "more").write_text("of a run")
    (folder.temporary / "scratch").write_text("of a run")
    assert folder.clear()
    assert all(len(content) <= 1 for content, _ in contents(folder).values())
    assert contents(folder).keys() == {*TREE, "arguments.json", TOKEN}
    assert not [*folder.temporary.iterdir()]


@pytest.mark.parametrize(
    "tree",
    [
        TREE,
        {"main.py": b""},
        {"main.py": b"print('a longer one than the first was')" * 100, "data": b"now a file"},
        {"main.py": b"x", "main.d/one": b"1", "cache/other": b"2"},
    ],
    ids=["the same", "emptied", "longer, a folder is a file", "other folders"],
)
def test_the_next_finds_its_own(tmp_path: Path, folder: RunFolder, tree: dict[str, bytes]) -> None:
    folder.fill(spec(tmp_path, TREE, token=b"a long one, of somebody else"), None)
    assert folder.clear()
    other = spec(tmp_path, tree, token=b"short")
    folder.fill(other, None)
    assert contents(folder) == filled_anew(tmp_path, other)
    folders = {str(each.relative_to(folder.home)) for each in folder.home.rglob("*/")}
    wanted = {str(parent) for name in [*tree, TOKEN] for parent in Path(name).parents}
    assert folders | {"."} == wanted


def _replace(home: Path) -> None:
    (home / "main.py").unlink()
    (home / "main.py").write_text("another inode")


def _link_away(home: Path) -> None:
    (home / "main.py").unlink()
    (home / "main.py").symlink_to("/etc/passwd")


def _move_folder(home: Path) -> None:
    (home / "data").rename(home / "elsewhere")
    (home / "data").symlink_to("elsewhere")


def _grow(home: Path) -> None:
    (home / "main.py").write_bytes(bytes(1 << 20))


def _fifo(home: Path) -> None:
    (home / "arguments.json").unlink()
    os.mkfifo(home / "arguments.json")


def _modes(home: Path) -> None:
    (home / "main.py").chmod(0o4777)
    (home / "data").chmod(0o2777)
    (home / "arguments.json").chmod(0o400)


def _attribute(home: Path) -> None:
    os.setxattr(home / "main.py", "user.of", b"a run")
    os.setxattr(home / "data", "user.of", b"a run")


def _hard_links(home: Path) -> None:
    (home / "a").hardlink_to(home / "main.py")
    (home.parent / "temporary" / "b").hardlink_to(home / "arguments.json")


@pytest.mark.parametrize(
    "do",
    [_replace, _link_away, _move_folder, _grow, _fifo, _modes, _attribute, _hard_links],
    ids=lambda do: do.__name__[1:],
)
def test_whatever_an_owner_does(
    tmp_path: Path, folder: RunFolder, do: Callable[[Path], None]
) -> None:
    own = spec(tmp_path, TREE)
    folder.fill(own, None)
    do(folder.home)
    assert folder.clear()
    folder.fill(own, None)
    assert contents(folder) == filled_anew(tmp_path, own)
    for path in folder.home.rglob("*"):
        assert not [each for each in os.listxattr(path) if each.startswith("user.")]
        assert path.lstat().st_nlink == 1 or path.is_dir()
        assert not stat.S_IMODE(path.lstat().st_mode) & 0o077


def test_one_with_attributes_on_its_places_is_given_up(folder: RunFolder) -> None:
    os.setxattr(folder.temporary, "user.of", b"a run")
    assert not folder.clear()


def test_one_with_another_home_is_given_up(tmp_path: Path, folder: RunFolder) -> None:
    folder.home.rename(tmp_path / "taken")
    folder.home.symlink_to("/etc")
    assert not folder.clear()
    assert Path("/etc/passwd").exists()


def test_one_with_many_files_is_given_up(tmp_path: Path, folder: RunFolder) -> None:
    folder.fill(spec(tmp_path, {"main.py": b"", **{f"{n}.csv": b"" for n in range(60)}}), None)
    assert not folder.clear()


def test_nothing_outside_is_touched(tmp_path: Path, folder: RunFolder) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("whole")
    folder.fill(spec(tmp_path, TREE), None)
    (folder.home / "main.py").unlink()
    (folder.home / "main.py").symlink_to(outside / "kept")
    (folder.temporary / "link").symlink_to(outside)
    assert folder.clear()
    folder.fill(spec(tmp_path, TREE), None)
    assert (outside / "kept").read_text() == "whole"
