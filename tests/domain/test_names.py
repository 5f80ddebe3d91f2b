"""Names are one line that shows as it is; those of old are read as they were."""

import pytest

from libs.domain import names
from libs.domain.errors import Rejected

GOOD = ["a", "nightly run", "prüfung-7", "日本", "ניסוי", "family 👨‍👩‍👧", "a/b:c", "x" * 256]
BAD = {
    "": "give 1 to 256",
    " ": "give 1 to 256",
    "x" * 257: "give 1 to 256",
    "a\0b": "U+0000 at character 2",
    "a\x1b[31mb": "U+001B at character 2",
    "two\nlines": "U+000A",
    "tab\t": "U+0009",
    "\x7f": "U+007F",
    "c1 \x9b31m": "U+009B",
    "\u2028": "give 1 to 256",
    "a\u2029b": "U+2029",
    "gnp.\u202egpj": "U+202E",
    "a\u2066b": "U+2066",
    "half \ud800": "U+D800",
}


@pytest.mark.parametrize("name", GOOD)
def test_takes(name: str) -> None:
    names.check("name", name, 256)


@pytest.mark.parametrize("name", BAD)
def test_refuses_with_field_and_remedy(name: str) -> None:
    with pytest.raises(Rejected) as refused:
        names.check("name", name, 256)
    assert refused.value.code == "invalid"
    assert refused.value.message.startswith("name: give 1 to 256 characters, no control characters")
    assert BAD[name] in refused.value.message
