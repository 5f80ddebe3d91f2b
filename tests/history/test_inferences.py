"""The checker finds what a pipeline log lacks, and what it has too much of."""

from tests.history.inferences import recorded


def test_a_whole_log_is_good_also_with_what_got_no_answer() -> None:
    assert list(recorded({1, 2}, {4}, {1: 1, 2: 1, 3: 1})) == []


def test_what_is_missing_refused_or_there_twice_is_named() -> None:
    found = {str(one) for one in recorded({1, 2}, {3}, {2: 2, 3: 1})}
    assert found == {
        "I10 inference 1: answered, and not in the log",
        "I10 inference 2: 2 times in the log",
        "I10 inference 3: refused, and in the log",
    }
