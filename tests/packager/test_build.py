"""Environments built by the real uv from the real index, from small packages."""

import asyncio
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from libs.domain.errors import Rejected
from services.packager.build import Builder, BuildLimits
from services.packager.environment_store import Limits


class BuildFolder:
    """A folder for builders, with one small base package."""

    def __init__(self, folder: Path) -> None:
        self.data, self.environments = folder / "data", folder / "environments"
        self.base = folder / "base.in"
        self.base.write_text("colorama==0.4.6")

    def builder(
        self,
        environ: Mapping[str, str] | None = None,
        limits: BuildLimits | None = None,
        user: int | None = None,
    ) -> Builder:
        return Builder(
            self.data,
            self.environments,
            {**os.environ, **(environ or {})},
            base=self.base,
            limits=limits or BuildLimits(),
            user=user,
        )

    def folders(self) -> set[str]:
        """Environments, and whatever else a builder should not have left there."""
        return {path.name for path in self.environments.iterdir()} - {".uv", ".locks"}

    def locks(self) -> dict[str, int]:
        """What was ever resolved, by inode: another resolution makes another file."""
        return {path.name: path.stat().st_ino for path in self.data.glob("locks/*.txt")}


@pytest.fixture
def build_folder(tmp_path: Path) -> BuildFolder:
    return BuildFolder(tmp_path)


def versions(python: Path) -> dict[str, str]:
    """The distributions that the interpreter finds."""
    code = "import importlib.metadata as m; [print(d.name, d.version) for d in m.distributions()]"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True)
    return dict(line.split() for line in done.stdout.splitlines())


async def test_requirements_are_installed_beside_the_base(build_folder: BuildFolder) -> None:
    built = await build_folder.builder().build(["six==1.16.0"])
    assert versions(built.python) == {"six": "1.16.0", "colorama": "0.4.6"}
    assert build_folder.folders() == {built.id}
    assert "--hash=sha256:" in (built.python.parents[1] / "lock.txt").read_text()


async def test_one_lock_is_one_environment_built_once(build_folder: BuildFolder) -> None:
    first = await build_folder.builder().build(["six==1.16.0"])
    inode = first.python.parents[1].stat().st_ino
    same_lock = await build_folder.builder().build(["six>=1,<=1.16.0"])
    resolved = build_folder.locks()
    again = await build_folder.builder({"UV_OFFLINE": "1"}).build(["six==1.16.0"])
    assert first.id == same_lock.id == again.id
    assert first.lock_digest == same_lock.lock_digest
    assert first.python.parents[1].stat().st_ino == inode
    assert build_folder.locks() == resolved != {}


async def test_nothing_required_is_the_base(build_folder: BuildFolder) -> None:
    empty = await build_folder.builder().build([])
    part_of_it = await build_folder.builder().build(["colorama"])
    assert versions(empty.python) == {"colorama": "0.4.6"}
    assert part_of_it.id == empty.id


async def test_concurrent_builds_of_one_key(build_folder: BuildFolder) -> None:
    one, other = build_folder.builder(), build_folder.builder()  # as two processes would be
    built = await asyncio.gather(*(each.build(["six"]) for each in (one, one, one, other)))
    assert {each.id for each in built} == build_folder.folders()
    assert "six" in versions(built[0].python)


async def test_another_version_of_a_base_package_leaves_the_others(
    build_folder: BuildFolder,
) -> None:
    build_folder.base.write_text("idna==3.10\ncolorama==0.4.6\nsix==1.16.0")
    built = await build_folder.builder().build(["colorama==0.4.5"])
    assert versions(built.python) == {"colorama": "0.4.5", "idna": "3.10", "six": "1.16.0"}


async def test_a_base_package_that_does_not_fit_is_left_out(build_folder: BuildFolder) -> None:
    """This one needs a newer attrs, by way of another package."""
    build_folder.base.write_text("jsonschema-specifications>=2023\ncolorama==0.4.6")
    built = await build_folder.builder().build(["attrs==21.4.0"])
    assert versions(built.python) == {"attrs": "21.4.0", "colorama": "0.4.6"}


async def test_environments_share_files_and_bytecode(build_folder: BuildFolder) -> None:
    base = await build_folder.builder().build([])
    more = await build_folder.builder().build(["six"])
    package = next(base.python.parents[1].glob("lib/*/site-packages/colorama"))
    shared = [path for path in package.rglob("*") if path.is_file()]
    assert {path.suffix for path in shared} == {".py", ".pyc"}
    for path in shared:
        assert path.samefile(more.python.parents[1] / path.relative_to(base.python.parents[1]))


async def test_files_can_be_read_and_not_written(build_folder: BuildFolder) -> None:
    built = await build_folder.builder().build(["six"])
    modes = {
        oct(path.stat().st_mode & 0o777)
        for path in built.python.parents[1].rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    assert modes <= {"0o444", "0o555"}
    folders = [path for path in built.python.parents[1].rglob("*") if path.is_dir()]
    assert {oct(path.stat().st_mode & 0o777) for path in folders} == {"0o755"}


async def test_an_environment_is_rebuilt_without_the_index(build_folder: BuildFolder) -> None:
    first = await build_folder.builder().build(["six"])
    first.python.parents[1].rename(build_folder.base.parent / "lost")
    again = await build_folder.builder({"UV_OFFLINE": "1"}).build(["six"])
    assert again.id == first.id
    assert versions(again.python) == versions(first.python)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another")
async def test_another_user_builds(build_folder: BuildFolder) -> None:
    built = await build_folder.builder(user=64_321).build(["six"])
    owners = {path.stat().st_uid for path in build_folder.environments.glob(".uv/cache/*")}
    assert owners == {64_321}
    assert "six" in versions(built.python)


async def test_prune_removes_the_least_recently_used(build_folder: BuildFolder) -> None:
    builder = build_folder.builder(limits=BuildLimits(store=Limits(environments=1)))
    names = ["six", "idna", "colorama"]
    ids = {name: (await builder.build([name])).id for name in names}
    for age, name in enumerate(["six", "colorama", "idna"]):
        os.utime(build_folder.environments / ids[name], (age, age))
    await builder.build(["six"])  # used again: now the youngest
    assert await builder.prune({ids["idna"]}) == [ids["colorama"]]
    assert build_folder.folders() == {ids["six"], ids["idna"]}


async def test_prune_drops_a_cache_over_its_limit(build_folder: BuildFolder) -> None:
    built = await build_folder.builder().build(["six"])
    await build_folder.builder().prune(set())
    assert any(build_folder.environments.glob(".uv/cache/archive*"))
    await build_folder.builder(limits=BuildLimits(cache_bytes=0)).prune({built.id})
    assert not any(build_folder.environments.glob(".uv/cache/archive*"))
    assert "six" in versions(built.python)


async def test_after_a_cleaned_cache_wheels_are_made_ready_again(build_folder: BuildFolder) -> None:
    builder = build_folder.builder(limits=BuildLimits(cache_bytes=0))
    first = await builder.build(["six"])
    await builder.prune({first.id})
    first.python.parents[1].rename(build_folder.base.parent / "away")
    again = await builder.build(["six"])
    (compiled,) = again.python.parents[1].glob("lib/*/site-packages/__pycache__/six.*.pyc")
    assert not compiled.samefile(
        build_folder.base.parent / "away" / compiled.relative_to(again.python.parents[1])
    )


async def test_the_base_can_be_anything_that_parses(build_folder: BuildFolder) -> None:
    build_folder.base.write_text("-r elsewhere.txt")
    with pytest.raises(Rejected, match="is an option"):
        build_folder.builder()
    build_folder.base.write_text("")
    built = await build_folder.builder().build([])
    assert versions(built.python) == {}
