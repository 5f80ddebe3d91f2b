"""The state diagrams and the reasons of ends in docs/states.md, drawn from the domain's tables.

    python -m tests.domain.diagrams

writes them anew between the page's marks. A test keeps them equal.
"""

import re
from pathlib import Path
from typing import Any, get_args

from libs.domain.registry import AGGREGATES
from libs.domain.run_end import STATUSES, Reason
from libs.domain.transitions import Transitions
from services.api.dashboard.run_end_texts import ENDINGS

PAGE = Path(__file__).parents[2] / "docs" / "states.md"
_PART = re.compile(r"(<!-- drawn: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def diagram(transitions: Transitions[Any]) -> str:
    """As Mermaid. Events that lead from one status to the same other one share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in transitions:
        for source in row.sources or ("[*]",):
            for target in row.targets:
                arrows.setdefault((source, target), []).append(row.event.__name__)
    lines = [f"    {a} --> {b}: {' or '.join(by)}" for (a, b), by in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def reasons() -> str:
    rows = [
        f"| `{reason}` | {', '.join(f'`{one}`' for one in sorted(STATUSES[reason]))}"
        f" | {ENDINGS[reason].means} |"
        for reason in get_args(Reason)
    ]
    return "\n".join(["| reason | status | |", "| --- | --- | --- |", *rows])


def drawn(page: str) -> str:
    """The page with its drawings as they are now."""
    parts = {
        name: diagram(one.transitions)
        for name, one in AGGREGATES.items()
        if one.transitions is not None
    } | {"reasons": reasons()}
    missing = parts.keys() - {name for _, name, _ in _PART.findall(page)}
    if missing:
        raise ValueError(f"{PAGE.name} has no place for {', '.join(sorted(missing))}")
    return _PART.sub(lambda part: f"{part[1]}\n{parts[part[2]]}\n\n{part[3]}", page)


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text()))
