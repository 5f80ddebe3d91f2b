"""docs/states.md says what the tables say."""

from tests.domain.diagrams import PAGE, drawn


def test_the_states_page_is_drawn_from_the_tables_of_today() -> None:
    page = PAGE.read_text()
    assert page == drawn(page), "run: python -m tests.domain.diagrams"
