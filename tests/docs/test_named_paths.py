"""What the documents name exists: files of the repository, pages and headings that they link to."""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        ROOT / "findings/README.md",
        ROOT / "libs/sdk/README.md",
    ]
)
# Of the documents for contributors every file name is one of ours; users' pages have main.py.
INSIDE = {ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/adr/*.md")}
# What a user writes, and what is made while the platform runs.
NOT_OURS = {"main.py"}

_FENCED = re.compile(r"^( *)```.*?^\1```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_FROM_TOP = re.compile(r"(libs|services|tests|docs|bench|deploy|examples|findings|requirements)/.*")
_IN_TREE = re.compile(r"^((?:libs|services|tests)/[\w/.]+)  ", re.MULTILINE)
_FILE = re.compile(r"[\w./*-]+\.(py|sql|html|graphql|toml|ya?ml|md)")


def prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text())


@cache
def files() -> tuple[str, ...]:
    tops = ("libs", "services", "tests", "docs", "bench", "deploy", "examples", "findings")
    found = [path for top in tops for path in (ROOT / top).rglob("*") if path.is_file()]
    return tuple(path.relative_to(ROOT).as_posix() for path in [*found, *ROOT.glob("*.*")])


def named_paths(page: Path) -> Iterator[str]:
    """What stands in backticks, or first on a line of a tree, and looks like a path of ours."""
    yield from _IN_TREE.findall(page.read_text())
    for code in _CODE.findall(prose(page)):
        name = code.strip().rstrip("/")
        if " " in name or name in NOT_OURS:
            continue
        if _FROM_TOP.fullmatch(name) or (page in INSIDE and _FILE.fullmatch(name)):
            yield name


def exists(name: str) -> bool:
    if _FROM_TOP.fullmatch(name):
        return any(ROOT.glob(name))
    return any(fnmatch(f"/{path}", f"*/{name}") for path in files())


def anchor(heading: str) -> str:
    """As GitHub makes it of a heading."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)|`", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_in_backticks_exists(page: Path) -> None:
    assert [name for name in named_paths(page) if not exists(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_relative_link_resolves(page: Path) -> None:
    links = [link for link in _LINK.findall(prose(page)) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not resolves(page, link)] == []


def resolves(page: Path, link: str) -> bool:
    path, _, fragment = link.partition("#")
    target = page.parent / path if path else page
    if not fragment:
        return target.exists()
    return target.is_file() and fragment in map(anchor, _HEADING.findall(prose(target)))


@pytest.mark.parametrize("index", ["docs/index.md", "docs/adr/README.md"])
def test_every_page_is_in_its_index(index: str) -> None:
    folder = (ROOT / index).parent
    listed = {link.partition("#")[0] for link in _LINK.findall(prose(ROOT / index))}
    assert {page.name for page in folder.glob("*.md")} - {Path(index).name} <= listed


def test_every_decision_has_its_four_parts() -> None:
    parts = ["Context", "Decision", "Alternatives", "Price"]
    records = sorted((ROOT / "docs/adr").glob("0*.md"))
    headings = {record.name: re.findall(r"^## (.*)$", prose(record), re.M) for record in records}
    assert {name for name, found in headings.items() if found != parts} == set()


def test_the_documents_name_paths_and_link_to_pages() -> None:
    """Else the two tests above would see nothing."""
    assert sum(len(list(named_paths(page))) for page in PAGES) > 100
    assert sum(len(_LINK.findall(prose(page))) for page in PAGES) > 50
