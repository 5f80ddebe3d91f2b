"""Names are one line that shows as it is; those of old are read as they were."""

import pytest

from libs.domain import names
from libs.domain.errors import Rejected

GOOD = ["a", "nightly run", "prüfung-7", "日本", "ניסוי", "family 👨‍👩‍👧", "a/b:c", "x" * 256]
# Beside what is seen, what isn't has its uses: joiners, soft hyphens, variants of emoji.
GOOD += [
    "a\u200b",
    "\u00adx",
    "\u2764\ufe0f",
    "\u3164\ud55c",
    "\u0645\u06cc\u200c\u062e",
    "\u0661",
    "\u0301",
]
UNSEEN = [chr(code) for code in (0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E)]
UNSEEN += [chr(code) for code in (0x200B, 0x200D, 0x200E, 0x2060, 0x2064, 0x206F, 0x2800)]
UNSEEN += [chr(code) for code in (0x3164, 0xFE0F, 0xFEFF, 0xFFA0, 0xE0061, 0xE01EF)]
UNSEEN += ["\u200b \u2060", "\u3000\u3164\u2003", "\ufeff" * 256]
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
    **dict.fromkeys(UNSEEN, "none of these can be seen: add a letter or a digit"),
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
