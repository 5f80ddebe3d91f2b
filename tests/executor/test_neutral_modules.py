"""What is imported for one script of an environment, others don't notice."""

import ast
import subprocess
import sys

import pytest

from services.executor.local.zygote import neutral_modules

LOOK = """
import atexit, os, sys
seen = []
class Watched(type(os.environ)):
    def __getitem__(self, name): seen.append(name); return super().__getitem__(name)
    def __iter__(self): seen.append("all variables"); return super().__iter__()
    def __contains__(self, name): seen.append(name); return super().__contains__(name)
os.environ.__class__ = Watched
def hear(event, arguments):
    if event == "open" and not str(arguments[0]).endswith((".py", ".pyc", ".so")):
        seen.append(arguments[0])
    if event in ("subprocess.Popen", "os.system", "socket.connect"):
        seen.append(event)
sys.addaudithook(hear)
before = atexit._ncallbacks()
import NAME
if "logging" not in sys.modules and atexit._ncallbacks() > before:
    seen.append("something at exit")
seen += sys.modules.keys() & {"_ssl", "_hashlib", "zoneinfo"}
print(seen)
"""
NAMES = sorted(
    name for name in neutral_modules._NAMES if name.partition(".")[0] in sys.stdlib_module_names
)


def test_all_are_of_the_standard_library() -> None:
    assert set(NAMES) == neutral_modules._NAMES


@pytest.mark.parametrize("name", NAMES)
def test_its_import_looks_at_nothing_of_a_run(name: str) -> None:
    program = [sys.executable, "-I", "-c", LOOK.replace("NAME", name)]
    shown = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert ast.literal_eval(shown) == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("import json", True),
        ("from json import loads", True),
        ("from collections import abc", True),
        ("from typing import *", True),
        ("from typing import AbsentName", False),
        ("from xml.etree import ElementTree", True),
        ("import numpy", False),
        ("import ssl", False),
        ("from http import client", False),
        ("from unittest import mock", False),
        ("from urllib import request", False),
        ("from urllib import parse", True),
        ("from xml import *", False),
    ],
)
def test_a_statement(statement: str, expected: bool) -> None:
    assert neutral_modules.is_neutral(statement) is expected
