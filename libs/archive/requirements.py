"""requirements.txt, read strictly: names, extras, versions and markers, and nothing else.

An installer given the file as it is would open the files that it names, fetch from the addresses
that it names and run what it finds there. So its lines are parsed here, and only what they mean
goes on to the resolver.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from libs.archive.reader import opened
from libs.domain.errors import Rejected

MAX_BYTES = 64 << 10
MAX_REQUIREMENTS = 1_000

_COMMENT = re.compile(r"(^|\s)#.*$")  # pip's rule: a # inside a word is part of it
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_LOCATION = re.compile(r"://|^[./~\\]|^(git|hg|svn|bzr)\+|\.(whl|zip|tar\.gz|tgz|tar\.bz2)$")
_CREDENTIALS = re.compile(r"://[^/\s@]*@")
_SHOWN = 80  # characters of a line repeated in a message


def parse(text: bytes) -> list[str]:
    """The requirements in the file's order, normalised as PEP 508 strings.

    Raises Rejected naming the line, its text and the remedy. Names may repeat; the resolver
    decides whether their versions agree.
    """
    found = [_requirement(number, line) for number, line in _lines(_decoded(text))]
    if len(found) > MAX_REQUIREMENTS:
        _refuse(f"{len(found)} requirements are more than the {MAX_REQUIREMENTS} allowed")
    return found


def read(archive: Path, member: str | None, most_entries: int = 10_000) -> list[str]:
    """`parse` the member of the archive that `inspect` found; none means no requirements."""
    if member is None:
        return []
    with opened(archive, most_entries) as reader:
        entry = next(found for found in reader.members if posixpath.normpath(found.name) == member)
        _check_size(entry.size)
        return parse(b"".join(reader.chunks(entry)))


def name(requirement: str) -> str:
    """Of the package, as all ways to write it are written; `requirement` is one of `parse`."""
    return canonicalize_name(Requirement(requirement).name)


def without_credentials(text: str) -> str:
    """The text with user and password of its URLs left out."""
    return _CREDENTIALS.sub("://", text)


def _refuse(
    problem: str, remedy: str = "list only the packages that your code imports"
) -> NoReturn:
    raise Rejected("invalid", f"requirements.txt: {problem}; {remedy}")


def _check_size(size: int) -> None:
    if size > MAX_BYTES:
        _refuse(f"{size} bytes are more than the {MAX_BYTES} allowed")


def _decoded(text: bytes) -> str:
    _check_size(len(text))
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        _refuse(f"line {line} is not UTF-8 text", "save the file as UTF-8")


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Number of the first line and text of each requirement; a \\ at the end goes on below."""
    begun, joined = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        begun = begun if joined else number
        if line.endswith("\\") and not line.lstrip().startswith("#"):
            joined += line[:-1]
            continue
        content = _COMMENT.sub("", joined + line).strip()
        joined = ""
        if content:
            yield begun, content
    if content := joined.strip():
        yield begun, content


def _requirement(number: int, line: str) -> str:
    where = f"line {number} ({without_credentials(line)[:_SHOWN]!r})"
    if _CONTROL.search(line):
        _refuse(f"{where} has control characters", "save the file as plain text")
    if line.startswith("-"):
        _refuse(f"{where} is an option, and none is taken", "list the packages themselves")
    if _LOCATION.search(line):
        _refuse_location(where)
    if re.search(r"\s--hash[=\s]", line):
        _refuse(f"{where} has a hash", "leave hashes out: the lock made from this file has its own")
    if re.search(r"\s--?[A-Za-z]", line):
        _refuse(f"{where} has an option, and none is taken", "leave it out")
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        reason = without_credentials(str(error).splitlines()[0])
        _refuse(f"{where} can't be read: {reason}", "write name==version")
    except RecursionError:
        _refuse(f"{where} has brackets in brackets, too deeply", "write name==version")
    if requirement.url:
        _refuse_location(where)
    return str(requirement)


def _refuse_location(where: str) -> NoReturn:
    _refuse(
        f"{where} is an address or a path",
        "name a package of the index as name==version, or put the code into the archive",
    )
