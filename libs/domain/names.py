"""What people call things: one line that a page and a terminal show as it is.

So nothing that moves a cursor, ends a line or turns the order of other letters round. Names
that were given before this was checked stay as they are.
"""

import re

from libs.domain.errors import Rejected

# C0, DEL and C1; line and paragraph separators; halves of surrogate pairs. Also what a file's name
# may not have.
_NO_LETTERS = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
UNPRINTABLE = re.compile(f"[{_NO_LETTERS}]")
# And embeddings, overrides and isolates of the direction of writing (Unicode UAX 9; marks, which
# names in Hebrew or Arabic need, are good).
_CONTROLS = re.compile(f"[{_NO_LETTERS}\u202a-\u202e\u2066-\u2069]")


def check(field: str, text: str, most: int) -> None:
    """Rejected("invalid") for what is blank, too long or has a control character."""
    if not text.strip() or len(text) > most:
        raise _refused(field, f"give 1 to {most} characters, no control characters")
    if found := _CONTROLS.search(text):
        mark = f"U+{ord(found[0]):04X} at character {found.start() + 1}"
        words = f"give 1 to {most} characters, no control characters; there is {mark}: leave it out"
        raise _refused(field, words)


def _refused(field: str, words: str) -> Rejected:
    return Rejected("invalid", f"{field}: {words}")
