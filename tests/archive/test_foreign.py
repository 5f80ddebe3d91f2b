"""Archives as real tools make them: what is in them is found under the names that people type."""

import os
import shutil
import stat
import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path

import pytest

from libs.archive.extract import extract
from libs.archive.inspect import inspect
from libs.domain.errors import Rejected
from tests.archive import zips

HELLO = {"main.py": "print('hello')"}
NAME = "Prüfung/Größe.csv"
TOOLS = {
    "zip": ["zip", "-q", "-r"],
    "zip streaming": ["sh", "-c", 'out=$1; shift; zip -q -r - "$@" | cat > "$out"', "sh"],
    "7z": ["7z", "a", "-bd", "-tzip"],
    "7zz": ["7zz", "a", "-bd", "-tzip"],
    "bsdtar": ["bsdtar", "--format", "zip", "-cf"],
    "python": [sys.executable, "-m", "zipfile", "-c"],
}


def unpacked(content: bytes, tmp_path: Path) -> dict[str, int]:
    """Paths with their modes, as upload and executor make them of the archive."""
    path, target = tmp_path / "x.zip", tmp_path / "target"
    path.write_bytes(content)
    inspect(path)
    extract(path, target)
    found = {str(each.relative_to(target)): each for each in target.rglob("*")}
    return {name: stat.S_IMODE(each.stat().st_mode) for name, each in found.items()}


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_what_a_tool_packs_is_found(tool: str, locale: str, tmp_path: Path) -> None:
    if shutil.which(TOOLS[tool][0]) is None or (
        tool == "zip streaming" and not shutil.which("zip")
    ):
        pytest.skip(f"there is no {tool} on this machine")
    folder = tmp_path / "folder"
    (folder / NAME).parent.mkdir(parents=True)
    (folder / NAME).write_text("1")
    (folder / "main.py").write_text("print(1)")
    (folder / "12:30.txt").write_text("x")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / "empty").mkdir()
    archive = tmp_path / "made.zip"
    subprocess.run(
        [*TOOLS[tool], str(archive), *os.listdir(folder)],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "LC_ALL": locale},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    found = unpacked(archive.read_bytes(), tmp_path)
    assert found == {
        "main.py": 0o644,
        "12:30.txt": 0o644,
        "run.sh": 0o755,
        "empty": 0o755,
        "Prüfung": 0o755,
        NAME: 0o644,
    }


APART = unicodedata.normalize("NFD", NAME)
GOOD = {
    "UTF-8 without the flag": (zips.unflagged({**HELLO, NAME: "1"}), NAME),
    "letters apart, as macOS writes them": (zips.unflagged({**HELLO, APART: "1"}), NAME),
    "letters apart, flagged": (zips.packed({**HELLO, APART: "1"}), NAME),
    "Japanese": (zips.unflagged({**HELLO, "データ.csv": "1"}), "データ.csv"),
    "backslashes of Windows": (zips.by_windows({**HELLO, "data\\a.csv": "1"}), "data/a.csv"),
    "a folder of Windows": (zips.by_windows({**HELLO, "data\\": ""}), "data"),
    "a colon": (zips.packed({**HELLO, "a:b.txt": "1"}), "a:b.txt"),
    "one letter and a colon": (zips.packed({**HELLO, "c:": "1"}), "c:"),
    "a folder by its mode only": (
        zips.packed_infos(
            [(zipfile.ZipInfo("main.py"), ""), (zips.with_mode("out", stat.S_IFDIR | 0o755), "")]
        ),
        "out",
    ),
    "a folder with a file's mode": (
        zips.packed_infos(
            [(zipfile.ZipInfo("main.py"), ""), (zips.with_mode("out/", stat.S_IFREG | 0o644), "")]
        ),
        "out",
    ),
    "a name told once more": (
        zips.packed_infos(
            [(zipfile.ZipInfo("main.py"), ""), (zips.with_unicode_path(b"Gr_e.csv", NAME), "1")]
        ),
        NAME,
    ),
    "a name told for another": (
        zips.packed_infos(
            [(zipfile.ZipInfo("main.py"), ""), (zips.with_unicode_path(b"x.csv", NAME, crc=1), "1")]
        ),
        "x.csv",
    ),
    "a Mac's leavings": (
        zips.packed({**HELLO, "__MACOSX/._main.py": "\x00", "._main.py": "\x00"}),
        "main.py",
    ),
    "capital letters": (zips.packed({**HELLO, "A.csv": "1", "a.csv": "2"}), "A.csv"),
}


@pytest.mark.parametrize("case", GOOD)
def test_is_found_as_people_type_it(case: str, tmp_path: Path) -> None:
    content, name = GOOD[case]
    assert name in unpacked(content, tmp_path)


def test_a_name_in_a_code_page_is_still_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zips.packed({**HELLO, "x.csv": ""}).replace(b"x.csv", b"\x81.csv"))
    with pytest.raises(Rejected, match="not in UTF-8"):
        inspect(path)


def test_a_last_block_may_be_filled(tmp_path: Path) -> None:
    """As bsdtar does into a pipe."""
    content = zips.packed(HELLO)
    filled = content + bytes(-len(content) % 10_240)
    assert unpacked(filled, tmp_path) == {"main.py": 0o644}


def test_zip64_and_descriptors_are_read(tmp_path: Path) -> None:
    """As a tool writes them that makes the archive for a pipe."""
    script = """
import sys, zipfile
with zipfile.ZipFile(sys.stdout.buffer, "w") as archive:
    with archive.open("main.py", "w", force_zip64=True) as member:
        member.write(b"print(1)")
"""
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert unpacked(made.stdout, tmp_path) == {"main.py": 0o644}
