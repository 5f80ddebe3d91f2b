"""The table of a local process's life: each phase with each message."""

import pytest

from services.executor.local.outcome import DISK_QUOTA, KILLED
from services.executor.local.process_state import Message, OutOfTurn, Phase, ProcessState

WAYS = {  # to come to each phase
    "made": "",
    "launched": "launch",
    "started": "launch start",
    "running": "launch start begin",
    "stopping": "launch start begin stop",
    "failed": "launch start fail",
    "ended": "launch start begin end",
    "removed": "launch start begin end remove",
}
# Where each message leads from each phase; nowhere: it is out of turn.
TABLE = """
            launch    start     stop      begin     fail    end    remove
made        launched  -         stopping  -         failed  ended  -
launched    -         started   stopping  -         failed  ended  -
started     -         -         stopping  running   failed  ended  -
running     -         -         stopping  -         failed  ended  -
stopping    stopping  stopping  stopping  stopping  failed  ended  -
failed      failed    failed    failed    -         -       ended  -
ended       ended     ended     ended     -         -       -      removed
removed     removed   removed   removed   -         -       -      -
"""
HEAD, *ROWS = (line.split() for line in TABLE.strip().splitlines())
CASES = [(row[0], message, to) for row in ROWS for message, to in zip(HEAD, row[1:], strict=True)]


def came_by(way: str) -> ProcessState:
    state = ProcessState()
    for message in way.split():
        state.take(Message(message))
    return state


def test_the_table_names_every_phase_and_message() -> None:
    assert [row[0] for row in ROWS] == list(WAYS)
    assert set(WAYS) == set(Phase)
    assert set(HEAD) == set(Message)


@pytest.mark.parametrize(("phase", "message", "to"), CASES)
def test_a_message_leads_where_the_table_says(phase: str, message: str, to: str) -> None:
    state = came_by(WAYS[phase])
    assert state.phase == phase
    if to == "-":
        with pytest.raises(OutOfTurn, match=phase):
            state.take(Message(message))
        assert state.phase == phase
    else:
        state.take(Message(message))
        assert state.phase == to


def test_the_first_reason_to_stop_stays() -> None:
    state = came_by("launch start begin")
    state.stop(DISK_QUOTA)
    state.stop(KILLED)
    assert state.stop_reason == DISK_QUOTA


def test_what_has_ended_by_itself_was_not_stopped() -> None:
    state = came_by("launch start begin end")
    state.stop(KILLED)
    assert state.stop_reason is None


@pytest.mark.parametrize(
    ("way", "died"),
    [
        ("end", True),
        ("launch end", True),
        ("launch end start", True),
        ("launch start end", False),
        ("launch start begin end", False),
        ("launch fail end", False),
        ("launch stop end", False),
        ("launch", False),
    ],
)
def test_only_what_ends_by_itself_before_its_start_may_be_replaced(way: str, died: bool) -> None:
    assert came_by(way).died_before_start is died


@pytest.mark.parametrize("phase", WAYS)
def test_a_process_can_be_started_until_it_is_or_ends(phase: str) -> None:
    assert came_by(WAYS[phase]).can_start is (phase in ("made", "launched"))
