r"""What a program writes without ending the line: prompts, and bars that it draws over themselves.

After a carriage return a terminal writes over the line. So of what stands before it no one sees
anything for long, and of many such states in a burst only the newest is kept. A few are kept as
they are, and so is `\r\n`, which ends a line as ever. Bars below each other move the cursor up, and
with the next line end down again: to the beginning of the same line, as by a return. Pure.
"""

import msgspec

BURST = 16  # states of a line that are kept if they come at once
FIRST, MOST = 500_000_000, 5_000_000_000  # ns that what is new of a line waits to be shown
UP, LEVEL = b"\x1b[A\n", b"\x1b[A\r"
_SHARE = 20  # of the time for which the line has been open: one of an hour needs no second


class Waiting(msgspec.Struct):
    """Of the open line of a stream: since when (ns) there is text that was not given out, and when
    the line began; 0: there is none. `over` if states of it were left out."""

    since: int = 0
    begun: int = 0
    over: bool = False
    up: bool = False  # the cursor is above it: the next line end comes back to it

    def note(self, rest: bytes, new_line: bool, at: int) -> None:
        """There is `rest` now; `new_line` if lines have ended before it."""
        if new_line:
            self.since, self.begun, self.over = 0, 0, False
        if rest and not self.since:
            self.since = at
            self.begun = self.begun or at

    def level(self, text: bytes) -> bytes:
        """Without line ends that only bring the cursor back."""
        if self.up and text:
            self.up = False
            text = b"\r" + text[1:] if text[:1] == b"\n" else text
        return text.replace(UP, LEVEL) if b"\x1b" in text else text

    @property
    def pause(self) -> int:
        """How long to wait, in ns."""
        return min(max((self.since - self.begun) // _SHARE, FIRST), MOST)


def newest(text: bytes) -> bytes:
    """The last state, with the carriage return that it begins with."""
    cut = text.rfind(b"\r", 0, len(text.rstrip(b"\r")))
    return text[cut:] if cut > 0 else text


def is_burst(text: bytes) -> bool:
    """Whether it has that many carriage returns which end no line."""
    return b"\r" in text and text.count(b"\r") - text.count(b"\r\n") > BURST


def settled(line: bytes) -> bytes:
    """What is kept of a line, ended or open."""
    return newest(line) if is_burst(line) else line


def showable(text: bytes) -> int:
    """How many bytes of an open line can be shown: all but half a character of UTF-8 at its end;
    none if there is nothing to see."""
    if not text.strip(b"\r"):
        return 0
    for back in range(1, min(len(text), 3) + 1):
        byte = text[-back]
        if byte >= 0xC0:  # begins a character of so many bytes
            wanted = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return len(text) - back if wanted > back else len(text)
        if byte < 0x80:
            break
    return len(text)
