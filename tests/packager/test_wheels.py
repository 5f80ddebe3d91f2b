"""A wheel is ready for an environment that has its very files, and for no other."""

import shutil
import zipfile
from pathlib import Path

import pytest

from services.packager.wheels import Wheels
from tests.packager.test_build import BuildFolder, versions
from tests.packager.test_build import build_folder as build_folder

INFO = "p-1.0.dist-info"


class Cache:
    """As uv lays it out; environments link to what is in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = Wheels(folder / "cache", folder / "ready")

    def wheel(self, name: str = "a", text: str = "A = 1") -> Path:
        wheel = self.folder / "cache" / "archive-v0" / name
        for name in ("p/a.py", f"{INFO}/METADATA", f"{INFO}/RECORD"):
            (wheel / name).parent.mkdir(parents=True, exist_ok=True)
            (wheel / name).write_text(text)
        return wheel

    def environment(self, wheel: Path, name: str = "one") -> Path:
        environment = self.folder / name
        site = environment / "lib" / "python3.11" / "site-packages"
        for file in (path for path in wheel.rglob("*") if path.is_file()):
            link = site / file.relative_to(wheel)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(file)
        return environment


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path)


def unpacked(cache: Cache, environment: Path) -> list[Path]:
    return cache.wheels.unready_folders(environment, cache.wheels.ready())


def test_a_wheel_is_made_ready_once(cache: Cache) -> None:
    wheel = cache.wheel()
    one = cache.environment(wheel)
    assert unpacked(cache, one) == [wheel]
    cache.wheels.mark_ready([wheel])
    cache.wheels.mark_ready([wheel])  # another builder's, who was as quick
    assert unpacked(cache, one) == unpacked(cache, cache.environment(wheel, "other")) == []
    assert list(cache.wheels.ready().values()) == [len("A = 1")]


def test_only_what_uv_never_writes_to_is_sealed(cache: Cache) -> None:
    wheel = cache.wheel()
    cache.wheels.mark_ready([wheel])
    assert (wheel / "p" / "a.py").stat().st_mode & 0o777 == 0o444
    assert (wheel / INFO / "RECORD").stat().st_mode & 0o200


def test_the_same_name_unpacked_again_is_another_wheel(cache: Cache) -> None:
    wheel = cache.wheel()
    cache.wheels.mark_ready([wheel])
    shutil.rmtree(wheel)
    again = cache.wheel(text="A = 2")
    assert unpacked(cache, cache.environment(again)) == [again]


def test_a_wheel_is_forgotten_when_nobody_has_it(cache: Cache) -> None:
    wheel = cache.wheel()
    cache.environment(wheel)
    cache.wheels.mark_ready([wheel])
    shutil.rmtree(wheel)
    cache.wheels.prune()
    assert cache.wheels.ready()
    shutil.rmtree(cache.folder / "one")
    cache.wheels.prune()
    assert not cache.wheels.ready()


def local_wheel(folder: Path, name: str, files: dict[str, str]) -> dict[str, str]:
    """Makes it; gives the settings by which uv finds it."""
    folder.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    wheel = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    info = {"METADATA": metadata, "WHEEL": wheel, "RECORD": ""}
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        for path, text in info.items():
            archive.writestr(f"{name}-1.0.dist-info/{path}", text)
    return {"UV_FIND_LINKS": str(folder)}


async def test_sources_and_scripts_in_odd_places(build_folder: BuildFolder, tmp_path: Path) -> None:
    """uv takes bytecode from neither place."""
    files = {
        "oddly_laid_out-1.0.data/purelib/odd/__init__.py": "A = 1",
        "oddly_laid_out-1.0.data/scripts/started.py": "#!python\nprint(1)\n",
    }
    builder = build_folder.builder(local_wheel(tmp_path / "links", "oddly_laid_out", files))
    for requirement in ("oddly-laid-out", "oddly-laid-out==1.0"):
        built = await builder.build([requirement])
        assert versions(built.python)["oddly_laid_out"] == "1.0"
        (odd,) = built.python.parents[1].glob("lib/*/site-packages/odd")
        assert {path.suffix for path in odd.rglob("*.*")} == {".py", ".pyc"}
        assert all(path.stat().st_mode & 0o222 == 0 for path in odd.rglob("*.*"))


async def test_tests_of_packages_stay_sources_wherever_we_lie(tmp_path: Path) -> None:
    folder = tmp_path / "our.data" / "tests"
    folder.mkdir(parents=True)
    files = {"tested_a_lot/__init__.py": "A = 1", "tested_a_lot/tests/test_a.py": "assert 1"}
    settings = local_wheel(tmp_path / "links", "tested_a_lot", files)
    built = await BuildFolder(folder).builder(settings).build(["tested-a-lot"])
    (package,) = built.python.parents[1].glob("lib/*/site-packages/tested_a_lot")
    compiled = [path.parent.parent for path in package.rglob("*.pyc")]
    assert compiled == [package]
