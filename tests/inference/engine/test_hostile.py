"""Whatever is sent, there is an answer or a refusal in words: nothing else."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.inference.engine.engine import Engine
from services.inference.engine.errors import Refused
from services.inference.engine.request import Answer, Request
from tests.inference import models
from tests.inference.engine.served import deployed, engine, ref, request

NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)
NEARLY = st.lists(st.integers(-3, 3) | st.floats(-5, 5) | st.none() | st.booleans(), max_size=3)
RECORDS = st.lists(
    st.fixed_dictionaries({}, optional={"input": NEARLY | ANYTHING, "x": ANYTHING}), max_size=4
)


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> list[Engine]:
    """Of models of all types, and a split."""
    folder = tmp_path_factory.mktemp("models")
    types = (models.FLOAT, models.INT64, models.BOOL, models.STRING, models.FLOAT16)
    paths = [models.identity(folder / f"m{dtype}", dtype) for dtype in types]
    odd: list[Path] = [models.without_rows(folder / "scalar"), models.one_row(folder / "one")]
    odd += [models.zipmap(folder / "maps"), models.identity(folder / "flat", models.INT64, ["N"])]
    control, route = (ref(deployed(path)) for path in paths[:2])
    split = {"MetaValueSplit": {"split_key": "x", "control": control, "routes": {"1": route}}}
    fields = {"tensor_fields": ["input"]}
    return [
        *(engine([path], **fields) for path in (*paths, *odd)),
        engine(paths[:2], [split], **fields),
    ]


def replied(served: Engine, asked: Request) -> Answer | Refused:
    """Nothing else ever comes."""
    try:
        return served.infer(asked)
    except Refused as refusal:
        return refusal


@settings(deadline=None, max_examples=300)
@given(body=RECORDS | ANYTHING, which=st.integers(0, 9), flat=st.booleans())
def test_any_json_is_answered_or_refused(
    engines: list[Engine], body: Any, which: int, flat: bool
) -> None:
    reply = replied(engines[which], request(body, separator="." if flat else None))

    if isinstance(reply, Refused):
        assert (reply.status, reply.message != "") == (400, True)
        return
    assert len(orjson.loads(reply.body)) == reply.record.rows
    for column in orjson.loads(reply.record.outputs).values():
        assert len(column) == reply.record.rows


@settings(deadline=None, max_examples=300)
@given(body=st.binary(max_size=200))
def test_any_bytes_are_answered_or_refused(engines: list[Engine], body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        engines[0].infer(request(b"\xff" + body))

    assert refused.value.status == 400
