"""Which modules are the same whenever they are imported, and change nothing for others.

All of the standard library. Their import reads no variable and no file of the run, registers
nothing that a script would notice, and loads neither OpenSSL nor time zones, which are set up by
variables (tests/executor/test_neutral_modules.py). What was imported for one script, others may
find.
"""

import importlib
from functools import lru_cache

_TEXT = """
    __future__ _thread abc argparse array ast base64 binascii bisect builtins calendar cmath cmd
    codecs collections collections.abc colorsys configparser contextlib contextvars copy copyreg csv
    dataclasses datetime decimal difflib dis email enum errno fileinput fnmatch fractions functools
    gc getopt getpass gettext glob graphlib gzip heapq html importlib inspect io itertools json
    keyword linecache locale logging lzma bz2 marshal math mimetypes numbers opcode operator os
    os.path pathlib pickle pkgutil platform pprint pwd grp queue random re reprlib resource sched
    select selectors shlex shutil signal socket stat statistics string stringprep struct subprocess
    sys tarfile tempfile textwrap threading time timeit token tokenize traceback types
    typing unicodedata unittest urllib urllib.parse urllib.error uuid warnings wave weakref xml
    xml.dom xml.dom.minidom xml.etree xml.etree.ElementTree zipfile zlib multiprocessing concurrent
    concurrent.futures logging.handlers logging.config html.parser importlib.util importlib.metadata
    importlib.resources json.decoder json.encoder http email.message email.utils
"""
_NAMES = frozenset(_TEXT.split())


# From these one may import a submodule that is not.
_PACKAGES = {
    "concurrent", "concurrent.futures", "email", "html", "http", "importlib", "multiprocessing",
    "unittest", "urllib", "xml", "xml.dom", "xml.etree",
}  # fmt: skip


@lru_cache(1024)
def is_neutral(statement: str) -> bool:
    """Of `import MODULE` or `from MODULE import NAME`.

    Not one that fails: a script may try it, and do otherwise then. Environments are of the Python
    that we are.
    """
    match statement.split():
        case ["import", module]:
            return module in _NAMES
        case ["from", module, "import", name]:
            if f"{module}.{name}" in _NAMES:
                return True
            return module in _NAMES and module not in _PACKAGES and _has(module, name)
    return False


def _has(module: str, name: str) -> bool:
    return name == "*" or hasattr(importlib.import_module(module), name)
