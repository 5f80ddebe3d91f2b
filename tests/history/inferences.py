"""I10: what was answered is in the pipeline's log, and nothing is there twice."""

from collections.abc import Collection, Iterator, Mapping

from tests.history.finding import Finding


def recorded(
    answered: Collection[float], refused: Collection[float], logged: Mapping[float, int]
) -> Iterator[Finding]:
    """Each inference is known by a number of its own; `logged` says how often each is in the log.
    What got no answer may be there, once. `refused`: what was not even begun."""
    for number in sorted(set(answered) - set(logged)):
        yield Finding("I10", f"inference {number}", "answered, and not in the log")
    for number in sorted(set(refused) & set(logged)):
        yield Finding("I10", f"inference {number}", "refused, and in the log")
    for number, times in sorted(logged.items()):
        if times > 1:
            yield Finding("I10", f"inference {number}", f"{times} times in the log")
