"""requirements.txt: what is read from it, and a table of what is refused and in which words."""

from pathlib import Path

import pytest

from libs.archive import requirements
from libs.archive.inspect import inspect
from libs.domain.errors import Rejected
from tests.archive import zips

BAD = {
    "another file": (b"six\n-r /etc/passwd\n", "line 2 ('-r /etc/passwd') is an option"),
    "constraints": (b"-c c.txt", "is an option"),
    "editable": (b"-e .", "is an option"),
    "index": (b"--index-url https://example.org/simple", "is an option"),
    "extra index": (b"--extra-index-url=https://example.org/simple", "is an option"),
    "find links": (b"--find-links /tmp", "is an option"),
    "option behind a comment": (b"# x\n   --pre", "line 2 ('--pre') is an option"),
    "option after a requirement": (b"six --no-binary :all:", "has an option"),
    "hash": (b"six==1.17.0 \\\n    --hash=sha256:00", "leave hashes out"),
    "version control": (b"git+https://example.org/x.git", "is an address or a path"),
    "URL": (b"https://example.org/x.whl", "is an address or a path"),
    "file URL": (b"file:///etc/passwd", "is an address or a path"),
    "name at URL": (b"six @ https://example.org/six.whl", "is an address or a path"),
    "name at file": (b"six@file:///etc/passwd", "is an address or a path"),
    "name at repository": (b"six @ git+ssh://git@example.org/six", "is an address or a path"),
    "relative path": (b"./six", "is an address or a path"),
    "absolute path": (b"/etc/passwd", "is an address or a path"),
    "parent path": (b"../six", "is an address or a path"),
    "wheel": (b"six-1.17.0-py3-none-any.whl", "is an address or a path"),
    "environment variable": (b"${PACKAGE}", "can't be read"),
    "single =": (b"six=1.17.0", "can't be read"),
    "two on a line": (b"six idna", "can't be read"),
    "bad marker": (b"six; nonsense > '3'", "can't be read"),
    "deep marker": (
        b"six; " + b"(" * 9000 + b"python_version > '3'" + b")" * 9000,
        "line 1 ('six; ((((",
    ),
    "not UTF-8": (b"six\n# caf\xe9", "line 2 is not UTF-8"),
    "UTF-16": ("six".encode("utf-16"), "line 1 is not UTF-8"),
    "NUL": (b"six\0", "control characters"),
    "too long": (b"#" * 65_537, "65537 bytes are more than the 65536 allowed"),
    "too many": (b"six\n" * 1001, "1001 requirements are more than the 1000"),
}


@pytest.mark.parametrize("name", BAD)
def test_refuses(name: str) -> None:
    text, words = BAD[name]
    with pytest.raises(Rejected) as refused:
        requirements.parse(text)
    assert refused.value.code == "invalid"
    assert refused.value.message.startswith("requirements.txt: ")
    assert words in refused.value.message


def test_repeats_no_credentials() -> None:
    with pytest.raises(Rejected) as refused:
        requirements.parse(b"six @ https://me:secret@example.org/six.whl")
    assert "example.org" in refused.value.message
    assert "secret" not in refused.value.message


GOOD = {
    "nothing": (b"", []),
    "only comments": (b"# a\n\n   # b \\\n", []),
    "plain": (b"six\nidna==3.10\n", ["six", "idna==3.10"]),
    "Windows": (b"\xef\xbb\xbfsix\r\nidna>=3\r\n", ["six", "idna>=3"]),
    "comment after": (b"six==1.17.0  # why\n", ["six==1.17.0"]),
    "extras, specifiers, marker": (
        b"requests [socks] >= 2 , <3 ; python_version > '3.8'",
        ['requests[socks]<3,>=2; python_version > "3.8"'],
    ),
    "parentheses": (b"six (>=1.0)", ["six>=1.0"]),
    "continued": (b"idna \\\n  == \\\n 3.10\nsix", ["idna==3.10", "six"]),
    "continued to the end": (b"six \\", ["six"]),
    "twice": (b"six\nsix>1", ["six", "six>1"]),
}


@pytest.mark.parametrize("name", GOOD)
def test_reads(name: str) -> None:
    text, expected = GOOD[name]
    assert requirements.parse(text) == expected


def test_reads_from_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(zips.packed({"main.py": "", "./a/requirements.txt": "six\n"}))
    assert requirements.read(path, inspect(path).requirements) == ["six"]
    assert requirements.read(path, None) == []
