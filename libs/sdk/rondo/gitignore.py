"""Which files the .gitignore files of a folder exclude, by the rules of gitignore(5)."""

import re
from collections.abc import Iterable
from typing import NamedTuple


class Rule(NamedTuple):
    """One line of a .gitignore file. `matches` is for paths relative to the folder of that file."""

    matches: re.Pattern[str]
    folders_only: bool
    includes: bool


def rules(text: str) -> list[Rule]:
    """The rules of a .gitignore file with this text, in order."""
    return [rule for line in text.splitlines() if (rule := _rule(line)) is not None]


def ignored(path: str, is_folder: bool, levels: Iterable[tuple[str, list[Rule]]]) -> bool:
    """Whether the rules exclude `path`; the last rule that matches decides.

    `levels` are folders with their rules, outermost first; the top one is "". `path` is relative to
    the top and lies in all of them.
    """
    excluded = False
    for folder, folder_rules in levels:
        relative = path[len(folder) + 1 :] if folder else path
        for rule in folder_rules:
            if rule.matches.fullmatch(relative) and (is_folder or not rule.folders_only):
                excluded = not rule.includes
    return excluded


def _rule(line: str) -> Rule | None:
    pattern = re.sub(r"(?<!\\)\s+$", "", line)
    if not pattern or pattern.startswith("#"):
        return None
    includes = pattern.startswith("!")
    pattern = pattern[1:] if includes else pattern
    folders_only = pattern.endswith("/")
    pattern = pattern.rstrip("/")
    anywhere = "/" not in pattern
    text = _regex(pattern.lstrip("/"))
    try:
        matches = re.compile(f"(?:.*/)?{text}" if anywhere else text)
    except re.error:  # such as [z-a], which matches nothing in Git
        return None
    return Rule(matches, folders_only, includes)


_TOKEN = re.compile(
    r"(?P<deep>(?:^|(?<=/))\*\*/)|(?P<below>/\*\*$)|(?P<many>\*+)|(?P<one>\?)"
    r"|(?P<set>\[[!^]?\]?[^\]]*\])|\\?(?P<plain>.)",
    re.DOTALL,
)


def _regex(pattern: str) -> str:
    return "".join(_translated(token) for token in _TOKEN.finditer(pattern))


def _translated(token: re.Match[str]) -> str:
    match token.lastgroup:
        case "deep":
            return "(?:.*/)?"
        case "below":
            return "/.*"
        case "many":
            return "[^/]*"
        case "one":
            return "[^/]"
        case "set":
            inside = re.sub(r"[\\[&|~]", r"\\\g<0>", token["set"][1:-1])
            negated = inside[:1] in ("!", "^")
            return f"[{'^' if negated else ''}{inside[negated:]}]"
    return re.escape(token["plain"])
