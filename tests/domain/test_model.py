"""A model is a name: taken once, and free again when it is deleted."""

from uuid import UUID

import pytest

from libs.domain import model as models
from libs.domain.errors import Rejected
from libs.domain.events import Event, ModelCreated, ModelDeleted, TaskStarted
from libs.domain.history import fold
from libs.domain.ids import model_stream
from libs.domain.model import MAX_NAME, Model
from tests.domain.decider import Decider, facts

STREAM = model_stream(1, "rf")
CREATED = ModelCreated(name="rf")


def given(*events: Event) -> Decider[Model]:
    return Decider(models.evolve, STREAM, [CREATED, *events])


def test_the_first_upload_of_a_name_creates_it() -> None:
    assert models.create(None, "rf") == [CREATED]
    given().decides(lambda state: models.create(state, "rf"))


def test_its_number_is_the_place_of_the_event_that_created_it() -> None:
    assert given().state.number == 1
    assert given(ModelDeleted(), CREATED).state.number == 3


def test_a_deleted_one_begins_anew_under_its_id() -> None:
    gone = given().decides_once(models.delete, ModelDeleted())
    assert gone.state.deleted
    again = gone.decides_once(lambda state: models.create(state, "rf"), CREATED)
    assert (again.state.deleted, again.state.id) == (False, UUID(STREAM.id))


def test_a_name_is_taken_in_one_workspace_only() -> None:
    assert model_stream(1, "rf") == STREAM
    assert len({STREAM.id, model_stream(2, "rf").id, model_stream(1, "RF").id}) == 3


@pytest.mark.parametrize("name", ["rf", "R", "7", "a.b_c-d", "x" * MAX_NAME])
def test_names_that_can_stand_in_a_url(name: str) -> None:
    models.check_name("name", name)


@pytest.mark.parametrize(
    "name", ["", " ", "-a", ".a", "a b", "a/b", "ä", "a\n", "x" * (MAX_NAME + 1), "../a"]
)
def test_other_names_are_refused_with_field_and_remedy(name: str) -> None:
    with pytest.raises(Rejected, match=r"^name: .*give 1 to 128 letters") as refused:
        models.create(None, name)
    assert refused.value.code == "invalid"


def test_a_broken_log_is_no_model() -> None:
    with pytest.raises(ValueError, match="ModelDeleted"):
        fold(models.evolve, facts(STREAM, [ModelDeleted()]))
    with pytest.raises(ValueError, match="TaskStarted is no event of a model"):
        given().after(TaskStarted()).state  # noqa: B018
