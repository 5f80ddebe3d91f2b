"""What can be imported before a script starts: all above the first statement that may steer it."""

from pathlib import Path

import pytest

from services.executor.local.zygote import script_imports

HARMLESS = """
'''A docstring.'''
pass
LIMIT: int = 3
a, (b, *c) = 1, (2, 3)
ROOT = pathlib.Path(__file__).resolve().parent
DATA = ROOT / "data" if LIMIT > 2 else None
HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "x")
log = logging.getLogger(__name__)
started = time.time(), datetime.datetime.now()
WORDS = "a b c".split()
DEBUG = os.environ.get("DEBUG", "0") == "1"
USER = os.environ["USER"]
Point = namedtuple("Point", "x y")
print(f"begins at {started}", file=sys.stderr)
T = TypeVar("T")
def f(x: "Unknown" = LIMIT, *more: int, key: list[int] | None = None) -> dict[str, int]: go()
async def g(): await go()
square = lambda x: x * x
class A(ABC):
    table: dict = {"a": [1]}
    @property
    def name(self): return go()
    @functools.lru_cache(maxsize=None)
    def once(self): return go()
@dataclass(frozen=True)
class B(A):
    x: list = field(default_factory=list)
if TYPE_CHECKING:
    import of_types_only
try:
    import fast
    HAS_FAST = True
except ImportError:
    raise SystemExit("install fast")
try:
    token = os.environ["TOKEN"]
except KeyError:
    token = None
"""
PREFIX = (
    "import datetime, functools, logging, os, pathlib, sys, time\n"
    "from abc import ABC\nfrom collections import namedtuple\n"
    "from dataclasses import dataclass, field\nfrom typing import TYPE_CHECKING, TypeVar\n"
)

STEERING = r"""
os.environ["A"] = "b"
os.environ.update(A="b")
os.chdir("x")
sys.path.insert(0, "x")
sys.path = ["x"] + sys.path
sys.argv += ["x"]
print("package" in sys.modules)
del os.environ["A"]
warnings.filterwarnings("ignore")
package.use("Agg")
x = package.set()
x = [package.set() for _ in range(2)]
x = f"{package.set()}"
x = (y := package.set())
x = print if package.set() else print
print(package.set())
__import__("package")
__builtins__ = {}
for x in package: pass
while True: break
with package: pass
if package: import other
assert package.set()
class A(metaclass=package.Meta): pass
class A(package.base()): pass
class A: x = package.set()
def f(x=package.set()): pass
def __getattr__(name): pass
class A:\n    def __class_getitem__(cls, item): package.set()
from collections import defaultdict as d; x = d(lambda: package.set())["y"]
f: package.set() = 1
@package.decorator\ndef f(): pass
@package.decorator\nclass A: pass
try: package.set()\nexcept ValueError: pass
try: x = os.environ["A"]\nexcept KeyError: package.set()
try: import package, own\nexcept ImportError: package.set()
try: from own import x\nexcept ImportError: import other
x = dict(os.environ)
from os import environ as e; x = list(e)
from sys import modules as m; x = "package" in m
match package:\n    case 1: pass
raise SystemExit
sorted([1], key=lambda x: package.set())
(lambda: package.set())()
exec("x")
from os import path as x; x.y = 1
"""


def of(folder: Path, files: dict[str, str]) -> script_imports.ScriptImports:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return script_imports.find(folder, folder / "main.py")


def test_nothing_of_it_is_in_the_way(tmp_path: Path) -> None:
    ahead = of(tmp_path, {"main.py": f"{PREFIX}{HARMLESS}\nimport last\n"})
    assert (ahead.statements[-1], ahead.own_imports) == ("import last", "")
    assert "import of_types_only" not in ahead.statements


@pytest.mark.parametrize("line", STEERING.strip().split("\n"), ids=str)
def test_nothing_below_it_is_imported_ahead(tmp_path: Path, line: str) -> None:
    script = "import os, sys, package\n" + line.replace("\\n", "\n") + "\nimport last\n"
    ahead = of(tmp_path, {"main.py": script, "own.py": ""})
    assert ahead.statements[2] == "import package"
    assert "import last" not in ahead.statements
    assert ahead.own_imports.endswith("may change what the imports after it do")


@pytest.mark.parametrize(
    "rebound",
    ["print = package", "def print(x): pass", "from package import print", "class print: pass",
     "from package import *", "for print in package: pass", "import package as print"],
)  # fmt: skip
def test_a_name_is_known_only_as_long_as_it_means_one_thing(tmp_path: Path, rebound: str) -> None:
    ahead = of(tmp_path, {"main.py": f"{rebound}\nprint(1)\nimport last\n"})
    assert "import last" not in ahead.statements


def test_statements_are_as_they_were_but_for_own_names(tmp_path: Path) -> None:
    script = "import a.b as c, d\nfrom e.f import g as h, i\nfrom j import *\n"
    assert of(tmp_path, {"main.py": script}).statements == (
        "import a.b", "import d", "from e.f import g", "from e.f import i", "from j import *",
    )  # fmt: skip


def test_modules_beside_it_are_followed_where_they_are_imported(tmp_path: Path) -> None:
    files = {
        "main.py": "import a\nimport own.deep.leaf\nfrom own import side, VALUE\nimport z\n",
        "own/__init__.py": "import b\nVALUE = 1\n",
        "own/deep/__init__.py": "from . import aside\nfrom ..other import x\n",
        "own/deep/leaf.py": "import e\ndef f():\n    import never\n",
        "own/deep/aside.py": "import c\nif __name__ == '__main__':\n    import never\n",
        "own/other.py": "import d\nx = 1\n",
        "own/side.py": "import f\n",
        "own/VALUE.py": "import never\n",
    }
    ahead = of(tmp_path, files)
    assert [each[-1] for each in ahead.statements] == list("abcdefz")


def test_one_of_them_that_steers_ends_it(tmp_path: Path) -> None:
    ahead = of(tmp_path, {"main.py": "import own\nimport z\n", "own.py": "import a\n\na.set()\n"})
    assert ahead.statements == ("import a",)
    assert ahead.own_imports == "own.py, line 3, may change what the imports after it do"


@pytest.mark.parametrize(
    ("files", "names"),
    [
        ({"json.py": "", "data/csv.txt": ""}, {"json"}),
        ({"json/readme": "", "csv/__init__.py": ""}, {"csv"}),
        ({"vendor/json.py": ""}, set()),
        ({"vendor/json.py": "", "a.py": "import sys\nsys.path.append('vendor')"}, {"a", "json"}),
        ({"vendor/json.py": "", "a.py": "import sys as s\ns.path.append('vendor')"}, {"a", "json"}),
        ({"vendor/json.py": "", "a.py": "getattr(sys, 'path')[:0] = 'v',"}, {"a", "json"}),
        ({"tool/json.py": "", "a.py": "import runpy\nrunpy.run_path('tool')"}, {"a", "json"}),
    ],
)
def test_what_it_has_of_its_own(tmp_path: Path, files: dict[str, str], names: set[str]) -> None:
    assert of(tmp_path, {"main.py": "", **files}).names - {"main"} == names


@pytest.mark.parametrize("script", ["try print", "\0", "# coding: nonsense\n", "import own"])
def test_what_cannot_be_read_imports_nothing(tmp_path: Path, script: str) -> None:
    ahead = of(tmp_path, {"main.py": script, "own.py": "from ... import x"})
    assert ahead.statements == ()
    assert ahead.own_imports
