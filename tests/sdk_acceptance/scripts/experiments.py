"""Steps that compare models: shadows, splits, audits, validations, replacements."""

import json
import sys

import polars as pl  # type: ignore[import-not-found]

from tests.sdk_acceptance.scripts.common import client
from tests.sdk_acceptance.scripts.served import deployed, model, name, outputs, rows, table

folder = sys.argv[1]
wl = client()
champion, second, third = (
    model(wl, folder, file, tensor_fields=["tensor"])
    for file in ("rf_model.onnx", "xgb_model.onnx", "gbr_model.onnx")
)

shadow = wl.build_pipeline(name("shadow"))
shadow.add_shadow_deploy(champion, [second, third])
shadow.deploy()
answer = shadow.infer(rows(2))
expected = {"out.variable", *(f"out_{one.name()}.variable" for one in (second, third))}
assert expected <= set(answer.columns), answer.columns
assert outputs(answer) != outputs(answer, f"out_{second.name()}.variable")
assert expected <= set(shadow.infer(table(2)).column_names)
logs = shadow.logs()
assert expected <= set(logs.columns), logs.columns
shadow.undeploy()

split = wl.build_pipeline(name("split"))
split.add_random_split([(2, champion), (1, second)], "session_id")
split.deploy()
inputs = rows(1).assign(session_id="one")
answers = [split.infer(inputs) for _ in range(6)]
assert len({tuple(outputs(one)) for one in answers}) == 1, "a session stays with its model"
chosen = json.loads(answers[0]["out._model_split"][0][0])
assert chosen["model_version"]["name"] in (champion.name(), second.name()), chosen
seen = set()
for number in range(40):
    one = split.infer(rows(1).assign(session_id=f"session {number}"))
    seen.add(json.loads(one["out._model_split"][0][0])["model_version"]["name"])
assert seen == {champion.name(), second.name()}, seen
split.undeploy()

keyed = wl.build_pipeline(name("keyed"))
keyed.add_key_split(champion, "kind", {"gold": second})
keyed.deploy()
for kind, used in (("gold", second), ("plain", champion)):
    one = keyed.infer(rows(1).assign(kind=kind))
    shown = json.loads(one["out._model_split"][0][0])
    assert shown["model_version"]["name"] == used.name(), (kind, shown)
keyed.undeploy()

checked = wl.build_pipeline(name("checked"))
checked.add_model_step(champion)
checked.add_validations(
    too_high=pl.col("out.variable").list.get(0) > 1.0,
    too_low=pl.col("out.variable").list.get(0) < 0.0,
)
checked.deploy()
answer = checked.infer(rows(2))
assert list(answer["anomaly.count"]) == [1, 1], answer
assert list(answer["anomaly.too_high"]) == [True, True]
assert list(answer["anomaly.too_low"]) == [False, False]
checked.undeploy()

replaced = deployed(wl, champion)
before = outputs(replaced.infer(rows(1)))
replaced.replace_with_model_step(0, second)
replaced.deploy()
after = outputs(replaced.infer(rows(1)))
assert after != before
assert len(replaced.versions()) == 3
replaced.undeploy()
print("done")
