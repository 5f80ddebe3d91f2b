"""Two models of three numbers are enough to see who answered: one adds 0.1, the other nothing."""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from libs.domain.values import DeployedModel
from services.inference.engine.engine import Engine
from services.inference.engine.errors import BadModel, Refused
from tests.domain.test_validation import FIRST, function, named, over
from tests.inference import models
from tests.inference.engine.served import AS_THE_SDK, answer, deployed, engine, ref, run_step

ROW = {"tensor": [1, 0, 0]}


@pytest.fixture
def champion(tmp_path: Path) -> Path:
    return models.linear(tmp_path / "champion")


@pytest.fixture
def rival(tmp_path: Path) -> Path:
    """Answers by another name."""
    return models.linear(tmp_path / "rival", name="price")


def out(row: dict[str, Any]) -> dict[str, Any]:
    """What the models answered."""
    return {name: value for name, value in row.items() if name.startswith("out")}


def weights(key: str | None, *pairs: tuple[DeployedModel, float]) -> dict[str, Any]:
    """A random split."""
    parts = [{"model": ref(model), "weight": weight} for model, weight in pairs]
    return {"RandomSplit": {"hash_key": key, "weights": parts}}


def test_outputs_feed_the_next_model_whatever_their_name(champion: Path, tmp_path: Path) -> None:
    next_one = models.linear(tmp_path / "next", width=1)

    [row] = answer(engine([champion, next_one]), [ROW], **AS_THE_SDK)

    assert out(row) == {"out.variable": [1.2]}


def test_the_fields_of_a_later_model_need_not_be_columns(champion: Path, tmp_path: Path) -> None:
    next_one = models.linear(tmp_path / "next", width=1)

    [row] = answer(engine([champion, next_one], tensor_fields=["tensor"]), [ROW], **AS_THE_SDK)

    assert out(row) == {"out.variable": [1.2]}


def test_a_challenger_of_a_shadow_is_shown_by_its_name(champion: Path, rival: Path) -> None:
    steps = [
        run_step(deployed(champion), deployed(rival)),
        {"AuditResults": {"from": 1, "to": None}},
        {"MultiOut": {}},
    ]

    [row] = answer(engine([champion, rival], steps), [ROW], **AS_THE_SDK)

    assert out(row) == {"out.variable": [1.1], "out_rival.price": [1.1]}
    assert list(row)[-1] == "anomaly.count"


def test_nth_selects_who_answers(champion: Path, rival: Path) -> None:
    steps = [run_step(deployed(champion), deployed(rival)), {"Nth": {"index": 1}}]

    [row] = answer(engine([champion, rival], steps), [ROW], **AS_THE_SDK)

    assert out(row) == {"out.price": [1.1]}


def test_a_random_split_follows_the_number_of_the_request(champion: Path, rival: Path) -> None:
    steps = [weights(None, (deployed(champion), 6), (deployed(rival), 2))]
    served = engine([champion, rival], steps)

    def chosen(random: float) -> str:
        [row] = answer(served, [ROW], random=random, **AS_THE_SDK)
        return next(iter(out(row)))

    assert [chosen(0.0), chosen(0.74), chosen(0.75), chosen(0.999)] == [
        "out.variable",
        "out.variable",
        "out.price",
        "out.price",
    ]


def test_a_split_says_for_each_row_who_answered(champion: Path, rival: Path) -> None:
    steps = [weights(None, (deployed(champion), 1), (deployed(rival), 0))]

    rows = answer(engine([champion, rival], steps), [ROW, ROW], **AS_THE_SDK)

    for row in rows:
        [text] = row["out._model_split"]
        said = orjson.loads(text)
        assert said["model_version"]["name"] == "champion"
        assert said["model_version"]["id"] == said["config"]["model_version_id"] == 11
        assert said["model_version"]["file_info"]["sha"] == "sha-of-champion"
        assert said["config"]["id"] == 12


def test_a_value_of_the_hash_key_stays_with_one_model(champion: Path, rival: Path) -> None:
    steps = [weights("session", (deployed(champion), 1), (deployed(rival), 1))]
    served = engine([champion, rival], steps, tensor_fields=["tensor"])
    sent = [{**ROW, "session": f"s{n % 40}"} for n in range(80)]

    rows = answer(served, sent, random=0.1, **AS_THE_SDK)

    by_model = Counter(
        orjson.loads(row["out._model_split"][0])["model_version"]["name"] for row in rows
    )
    assert set(by_model) == {"champion", "rival"}
    for first, second in zip(rows[:40], rows[40:], strict=True):
        assert first["out._model_split"] == second["out._model_split"]


def test_rows_of_a_split_have_the_outputs_of_their_model(champion: Path, rival: Path) -> None:
    split = {
        "split_key": "card",
        "control": ref(deployed(champion)),
        "routes": {"gold": ref(deployed(rival)), "7": ref(deployed(rival))},
    }
    served = engine([champion, rival], [{"MetaValueSplit": split}], tensor_fields=["tensor"])
    cards = ["gold", "silver", 7, None]

    rows = answer(served, [{**ROW, "card": card} for card in cards], **AS_THE_SDK)

    assert [row["out.price"] for row in rows] == [[1.1], None, [1.1], None]
    assert [row["out.variable"] for row in rows] == [None, [1.1], None, [1.1]]


def test_a_key_split_without_its_key_is_the_control(champion: Path, rival: Path) -> None:
    split = {
        "split_key": "card",
        "control": ref(deployed(champion)),
        "routes": {"gold": ref(deployed(rival))},
    }

    [row] = answer(engine([champion, rival], [{"MetaValueSplit": split}]), [ROW], **AS_THE_SDK)

    assert row["out.variable"] == [1.1]
    assert "out.price" not in row


def checked(path: Path, *expressions: tuple[str, Any]) -> Engine:
    """The model with validations of its answers."""
    tree = [named(expression, name) for name, expression in expressions]
    return engine([path], [run_step(deployed(path)), {"Check": {"tree": tree}}])


def test_anomalies_are_named_and_counted_by_row(champion: Path) -> None:
    served = checked(champion, ("high", over(2.0)), ("any", over(0.0)))

    low, high = answer(served, [{"tensor": [1, 0, 0]}, {"tensor": [2, 0, 0]}], **AS_THE_SDK)

    assert list(low)[-3:] == ["anomaly.count", "anomaly.high", "anomaly.any"]
    assert (low["anomaly.count"], low["anomaly.high"], low["anomaly.any"]) == (1, False, True)
    assert (high["anomaly.count"], high["anomaly.high"], high["anomaly.any"]) == (2, True, True)


def binary(left: Any, op: str, right: Any) -> Any:
    return {"BinaryExpr": {"left": left, "op": op, "right": right}}


def number(value: float) -> Any:
    return {"Literal": {"Float64": value}}


INPUT = {"Column": "in.age"}


@pytest.mark.parametrize(
    ("expression", "anomaly"),
    [
        (binary(INPUT, "Eq", number(7)), True),
        (binary(binary(INPUT, "Plus", number(1)), "Eq", number(8)), True),
        (binary(binary(INPUT, "Modulus", number(4)), "Eq", number(3)), True),
        (binary(binary(INPUT, "TrueDivide", number(2)), "Eq", number(3.5)), True),
        (binary(binary(INPUT, "FloorDivide", number(2)), "Eq", number(3)), True),
        (binary(function("Abs", binary(number(0), "Minus", INPUT)), "Eq", number(7)), True),
        (function({"Boolean": "IsNot"}, binary(INPUT, "Gt", number(7))), True),
        (binary(binary(INPUT, "Gt", number(7)), "Or", binary(INPUT, "Lt", number(8))), True),
        (binary(binary(INPUT, "Gt", number(7)), "And", binary(INPUT, "Lt", number(8))), False),
        (function({"Boolean": "IsNan"}, FIRST), False),
        (binary({"Column": "in.city"}, "Eq", {"Literal": {"Utf8": "Bonn"}}), True),
        ({"Literal": {"Boolean": True}}, True),
    ],
)
def test_expressions_mean_what_polars_means(champion: Path, expression: Any, anomaly: bool) -> None:
    tree = {"Check": {"tree": [named(expression, "odd")]}}
    served = engine([champion], [run_step(deployed(champion)), tree], tensor_fields=["tensor"])

    [row] = answer(served, [{**ROW, "age": 7, "city": "Bonn"}], **AS_THE_SDK)

    assert row["anomaly.odd"] is anomaly
    assert row["anomaly.count"] == int(anomaly)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        (binary({"Column": "out.price"}, "Gt", number(1)), "no column 'out.price'"),
        (FIRST, "must be true or false once a row"),
        (binary({"Column": "out.variable"}, "Gt", {"Literal": {"Utf8": "x"}}), "'odd'"),
    ],
)
def test_a_validation_that_does_not_fit_says_so(
    champion: Path, expression: Any, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        answer(checked(champion, ("odd", expression)), [ROW])


def test_a_value_beyond_the_list_is_no_anomaly(champion: Path) -> None:
    beyond = function({"ListExpr": "Get"}, {"Column": "out.variable"}, {"Literal": {"Int32": 5}})

    [row] = answer(checked(champion, ("odd", binary(beyond, "Gt", number(0)))), [ROW], **AS_THE_SDK)

    assert row["anomaly.odd"] is False


def test_steps_that_are_not_served_can_not_be_loaded(champion: Path) -> None:
    with pytest.raises(BadModel, match="Average"):
        engine([champion], [run_step(deployed(champion)), {"Average": {}}])


def test_versions_of_one_model_in_a_shadow_are_told_apart(champion: Path, tmp_path: Path) -> None:
    paths = [champion, models.linear(tmp_path / "b"), models.linear(tmp_path / "c")]
    versions = [
        deployed(path, name="price", number=number) for number, path in enumerate(paths, 21)
    ]
    files = {each.version: path for each, path in zip(versions, paths, strict=True)}
    served = Engine.load([run_step(*versions), {"MultiOut": {}}], versions, files)

    [row] = answer(served, [ROW], **AS_THE_SDK)

    assert list(out(row)) == ["out.variable", "out_price.variable", "out_price-23.variable"]


def test_a_step_without_its_model_can_not_be_loaded(champion: Path, rival: Path) -> None:
    with pytest.raises(BadModel, match="does not have model 'rival'"):
        engine([champion], [run_step(deployed(rival))])
