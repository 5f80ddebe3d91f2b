"""What people call things: one line that a page and a terminal show as it is.

So nothing that moves a cursor, ends a line or turns the order of other letters round. Names
that were given before this was checked stay as they are.
"""

import re
import unicodedata

from libs.domain.errors import Rejected

# C0, DEL and C1; line and paragraph separators; halves of surrogate pairs. Also what a file's name
# may not have.
_NO_LETTERS = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
UNPRINTABLE = re.compile(f"[{_NO_LETTERS}]")
# And embeddings, overrides and isolates of the direction of writing (Unicode UAX 9; marks, which
# names in Hebrew or Arabic need, are good).
_CONTROLS = re.compile(f"[{_NO_LETTERS}\u202a-\u202e\u2066-\u2069]")
# Letters and marks that have no ink: fillers of Hangul, the blank of Braille, and what Unicode has
# programs ignore where they can't use it (Default_Ignorable_Code_Point, of categories L and M).
_WITHOUT_INK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def check(field: str, text: str, most: int) -> None:
    """Rejected("invalid") for what is blank, too long, can't be seen or has a control character."""
    if not text.strip() or len(text) > most:
        raise _refused(field, f"give 1 to {most} characters, no control characters")
    if found := _CONTROLS.search(text):
        mark = f"U+{ord(found[0]):04X} at character {found.start() + 1}"
        words = f"give 1 to {most} characters, no control characters; there is {mark}: leave it out"
        raise _refused(field, words)
    if not is_seen(text):
        words = f"give 1 to {most} characters, no control characters; none of these can be seen: "
        raise _refused(field, words + "add a letter or a digit")


def is_seen(text: str) -> bool:
    """Whether anything of `text` has ink: it is more than spaces, formats and fillers."""
    return any(unicodedata.category(one)[0] not in "ZC" for one in _WITHOUT_INK.sub("", text))


def _refused(field: str, words: str) -> Rejected:
    return Rejected("invalid", f"{field}: {words}")
