"""Bytecode goes to environments that have the very file that it was compiled of, and no other."""

import compileall
import shutil
from pathlib import Path

import pytest

from services.packager.bytecode import Bytecode


class Place:
    """Wheels' files in `cache`, environments that link to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = Bytecode(folder / "kept")
        (folder / "cache").mkdir()

    def wheel(self, name: str, text: str) -> None:
        (self.folder / "cache" / name).write_text(text)

    def environment(self, name: str) -> Path:
        packages = self.folder / name / "lib" / "site-packages" / "p"
        packages.mkdir(parents=True)
        for file in (self.folder / "cache").iterdir():
            (packages / file.name).hardlink_to(file)
        return self.folder / name

    def built(self, name: str) -> Path:
        """As the builder does; compiled only if something is not known."""
        environment = self.environment(name)
        if self.kept.put_into(environment):
            compileall.compile_dir(environment / "lib", quiet=2)
            self.kept.keep(environment)
        return environment


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def compiled(environment: Path) -> list[Path]:
    return sorted(environment.rglob("*.pyc"))


def test_it_is_compiled_once(place: Place) -> None:
    place.wheel("a.py", "A = 1")
    place.wheel("of_another_python.py", "print 1")
    [first] = compiled(place.built("one"))
    again = place.environment("other")
    assert not place.kept.put_into(again)
    [second] = compiled(again)
    assert second.samefile(first)


def test_a_file_with_the_same_name_is_another_file(place: Place) -> None:
    place.wheel("a.py", "A = 1")
    place.built("one")
    (place.folder / "cache" / "a.py").unlink()
    place.wheel("a.py", "A = 1")
    again = place.environment("other")
    assert place.kept.put_into(again)
    assert compiled(again) == []


def test_what_is_only_here_is_not_kept(place: Place) -> None:
    one = place.environment("one")
    (one / "lib" / "own.py").write_text("A = 1")
    compileall.compile_dir(one / "lib", quiet=2)
    place.kept.keep(one)
    assert list((place.folder / "kept").iterdir()) == []


def test_what_no_environment_has_any_more_is_unused(place: Place) -> None:
    place.wheel("a.py", "A = 1")
    one = place.built("one")
    assert place.kept.unused() == []
    shutil.rmtree(one)
    assert {Path(entry.path).suffix for entry in place.kept.unused()} == {".py", ".pyc"}
