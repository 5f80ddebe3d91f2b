"""Builds that can't be: in which words, whose fault, and that nothing is left of them."""

import asyncio
import os
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from libs.domain.errors import Rejected, Unavailable
from services.packager.build import BuildLimits
from services.packager.environment import seal
from tests.packager.test_build import BuildFolder, build_folder, versions

__all__ = ["build_folder"]

IMPOSSIBLE = {
    "version": (["six==99.0"], "there is no version of six==99.0"),
    "name": (["no-such-package-of-anybody"], "was not found in the package registry"),
    "contradiction": (["six==1.16.0", "six==1.17.0"], "six==1.16.0 and six==1.17.0"),
    "source only": (["sgmllib3k==1.0.0"], "sgmllib3k==1.0.0 has no usable wheels"),
    "nonsense for uv": (["six===nonsense"], "Couldn't parse requirement in `requirements.txt`"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
async def test_impossible_requirements(name: str, build_folder: BuildFolder) -> None:
    requirements, words = IMPOSSIBLE[name]
    with pytest.raises(Rejected) as refused:
        await build_folder.builder().build(requirements)
    assert refused.value.code == "invalid"
    assert refused.value.message.startswith("requirements.txt: ")
    assert words in refused.value.message
    assert str(build_folder.environments) not in refused.value.message
    assert build_folder.folders() == set()


async def test_an_unreachable_index_is_worth_another_try(build_folder: BuildFolder) -> None:
    index = {"UV_DEFAULT_INDEX": "http://me:secret@127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"}
    with pytest.raises(Unavailable, match="Connection refused") as failed:
        await build_folder.builder(index).build(["six"])
    assert "secret" not in str(failed.value)
    assert build_folder.folders() == set()


async def test_a_half_made_environment_is_made_anew(build_folder: BuildFolder) -> None:
    """A full disk leaves one when it ends the first of the two tries of an installation."""
    uv, work = build_folder.builder()._uv, build_folder.environments / "work"
    (work / "env" / "bin").mkdir(parents=True)
    built = await uv.install(work, "")
    assert versions(built / "bin" / "python") == {}


async def test_a_folder_that_takes_no_environment_is_no_fault_of_the_requirements(
    build_folder: BuildFolder,
) -> None:
    uv, work = build_folder.builder()._uv, build_folder.environments / "work"
    work.mkdir()
    (work / "env").touch()
    with pytest.raises(Unavailable, match="Failed to create virtual environment"):
        await uv.install(work, "")


@pytest.fixture
async def silent_index() -> AsyncIterator[str]:
    """An index that accepts connections and never answers."""

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/simple"
    server.close()


async def test_the_time_limit_ends_the_build_and_its_processes(
    build_folder: BuildFolder, silent_index: str
) -> None:
    builder = build_folder.builder({"UV_DEFAULT_INDEX": silent_index}, BuildLimits(seconds=1))
    with pytest.raises(Rejected, match=r"not installed within the limit of 1 s"):
        await builder.build(["six"])
    assert build_folder.folders() == set()
    assert _processes_naming(build_folder.environments) == []


def _processes_naming(folder: Path) -> list[str]:
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes()
        except OSError:
            continue  # ended meanwhile
        if os.fsencode(folder) in words:
            commands.append(words.decode(errors="replace"))
    return commands


async def test_the_size_limit(build_folder: BuildFolder) -> None:
    built = await build_folder.builder().build(["idna"])
    built.python.parents[1].rename(build_folder.base.parent / "away")
    small = build_folder.builder({"UV_OFFLINE": "1"}, BuildLimits(environment_bytes=300_000))
    with pytest.raises(Rejected, match=r"over the limit of 300000"):
        await small.build(["idna"])
    assert build_folder.folders() == set()


async def test_the_file_size_limit(build_folder: BuildFolder) -> None:
    base = await build_folder.builder().build([])
    with pytest.raises(Rejected, match="file over the size limit"):
        await build_folder.builder(limits=BuildLimits(environment_bytes=100_000)).build(["idna"])
    assert build_folder.folders() == {base.id}


def test_seal_follows_no_link_out(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.touch(mode=0o600)
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    seal(inside)
    assert outside.stat().st_mode & 0o777 == 0o600


async def test_no_code_of_a_package_runs(build_folder: BuildFolder, tmp_path: Path) -> None:
    links, mark = tmp_path / "links", tmp_path / "mark"
    links.mkdir()
    _wheel_with_pth(links / "eager-1.0-py3-none-any.whl", f"import os; os.mkdir({str(mark)!r})\n")
    built = await build_folder.builder({"UV_FIND_LINKS": str(links)}).build(["eager"])
    assert not mark.exists()
    assert "eager" in versions(built.python)  # an ordinary start of Python does run it:
    assert mark.exists()


def _wheel_with_pth(path: Path, code: str) -> None:
    info = "eager-1.0.dist-info"
    wheel = "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("eager.pth", code)
        archive.writestr("eager.py", "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: eager\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", wheel)
        archive.writestr(f"{info}/RECORD", "")
