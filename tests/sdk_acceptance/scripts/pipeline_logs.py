"""The logs of a pipeline: the newest, between instants, in files; and after it is gone."""

import datetime
import sys
from pathlib import Path

from tests.sdk_acceptance.scripts.common import client
from tests.sdk_acceptance.scripts.served import deployed, model, outputs, rows, table

folder = sys.argv[1]
wl = client()
pipeline = deployed(wl, model(wl, folder, "rf_model.onnx", tensor_fields=["tensor"]))
start = datetime.datetime.now(datetime.UTC)
answers = [pipeline.infer(rows(2)) for _ in range(3)]
logs = pipeline.logs()
assert len(logs) == 6, logs
assert list(logs.columns) == ["time", "in.tensor", "out.variable", "anomaly.count"], logs.columns
newest_first = [one for answer in reversed(answers) for one in reversed(outputs(answer))]
assert outputs(logs) == newest_first
assert list(logs["time"]) == sorted(logs["time"], reverse=True)
assert len(pipeline.logs(limit=4)) == 4
end = datetime.datetime.now(datetime.UTC)
between = pipeline.logs(start_datetime=start, end_datetime=end)
assert outputs(between) == list(reversed(newest_first))
as_arrow = pipeline.logs(arrow=True)
assert as_arrow.num_rows == 6
assert len(pipeline.logs(dataset=["time", "out"]).columns) == 2
with_metadata = pipeline.logs(dataset=["*", "metadata"])
assert any(one.startswith("metadata.") for one in with_metadata.columns), with_metadata.columns

pipeline.infer(table(1000))
assert len(pipeline.logs(limit=2000)) == 1006
place = Path(folder) / pipeline.name()
pipeline.export_logs(directory=str(place), file_prefix="export", limit=2000)
assert list(place.iterdir())
pipeline.export_logs(directory=str(place), file_prefix="arrow", limit=2000, arrow=True)
assert len(list(place.iterdir())) >= 2
pipeline.undeploy()
assert len(pipeline.logs(limit=3)) == 3
assert len(wl.get_pipeline(pipeline.name()).logs(limit=3)) == 3
print("done")
