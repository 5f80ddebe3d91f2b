"""The commands for models and pipelines: what they print, and how they exit."""

import json
import shutil
from pathlib import Path

from tests.sdk.conftest import Rondo, decoded

MODEL = Path(__file__).parents[2] / "examples" / "houseprice" / "houseprice.onnx"
ROW = json.dumps([{"tensor": [3, 2, 1800, 7500, 1.5, 4, 8, 30]}])


def test_the_road_of_a_model(rondo: Rondo, tmp_path: Path) -> None:
    shutil.copy(MODEL, tmp_path)
    uploaded = decoded(rondo("upload-model", "houseprice.onnx", "--fields", "tensor", "--json"))
    assert uploaded["status"] == "ready"
    (listed,) = decoded(rondo("models", "--json"))
    (version,) = decoded(rondo("models", listed["name"], "--json"))
    assert version["file_info"] == uploaded["file_info"]
    number = version["file_info"]["version"]
    deployed = rondo("deploy", "prices", "--model", f"houseprice={number}", "--memory", "512Mi")
    assert deployed.stdout == "prices  Running\n", deployed.stderr
    assert rondo("pipelines").stdout.splitlines()[1].split()[1] == "prices"
    served = rondo("deployments").stdout.splitlines()[1].split()
    assert served[1:5] == ["prices", "running", "1", "houseprice"]
    (tmp_path / "rows.json").write_text(ROW)
    by_file = json.loads(rondo("infer", "prices", "rows.json").stdout)
    (by_stdin,) = decoded(rondo("infer", "prices", "--dataset", "out", "--json", stdin=ROW))
    assert by_stdin == {"out.price": by_file["out.price"]}
    newest = rondo("inferences", "prices", "-n", "1", "--dataset", "in,out").stdout
    assert json.loads(newest) == {"in.tensor": by_file["in.tensor"], **by_stdin}
    assert len(rondo("inferences", "prices", "--since", "10m").stdout.splitlines()) == 2
    assert "not deployed" in rondo("undeploy", "prices").stdout
    assert rondo("deployments", "--quiet").stdout == ""
    refused = rondo("infer", "prices", stdin=ROW)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert "prices" in refused.stderr


def test_mistakes_have_a_status_and_say_what_to_do(rondo: Rondo, tmp_path: Path) -> None:
    assert rondo("models", "nothing").returncode == 3
    assert rondo("deploy", "nothing").returncode == 3
    assert rondo("upload-model", "missing.onnx").returncode == 2
    (tmp_path / "broken.onnx").write_text("no model")
    broken = rondo("upload-model", "broken.onnx")
    assert broken.returncode == 4
    assert broken.stderr.startswith("rondo: file: ")
    wrong = rondo("infer", "nothing", stdin="{")
    assert wrong.returncode == 2
    assert "holds no JSON" in wrong.stderr


def test_what_is_not_wanted_is_deleted(rondo: Rondo, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_text("no model")
    rondo("upload-model", "broken.onnx")
    (broken,) = decoded(rondo("models", "broken", "--json"))
    shown = rondo("models", "broken").stdout.splitlines()
    assert shown[0].split()[-1] == "REASON"
    assert broken["error_summary"][:20] in shown[1]
    version = broken["file_info"]["version"]
    assert rondo("delete-model", "broken", "nothing").returncode == 3
    assert rondo("delete-model", "broken", version).returncode == 0
    assert decoded(rondo("models", "broken", "--json")) == []
    assert rondo("delete-model", "broken").returncode == 0
    assert rondo("delete-model", "broken").returncode == 3


def test_a_pipeline_is_deployed_and_deleted_by_its_versions(rondo: Rondo, tmp_path: Path) -> None:
    shutil.copy(MODEL, tmp_path)
    rondo("upload-model", "houseprice.onnx")
    for _ in range(2):
        rondo("deploy", "twice", "--model", "houseprice", "--no-wait")
    newest, *older = rondo("pipelines", "twice", "--quiet").stdout.splitlines()
    shown = [line.split() for line in rondo("pipelines", "twice").stdout.splitlines()[1:]]
    assert shown[0] == [newest, "twice", "houseprice"]
    first = next(id for id, *rest in reversed(shown) if rest == ["twice", "houseprice"])
    assert first != newest
    rondo("deploy", "twice", "--version", first, "--no-wait")
    (served,) = decoded(rondo("deployments", "--json"))
    assert served["pipeline_version"] == first
    assert rondo("delete-pipeline", "twice").returncode == 4
    rondo("undeploy", "twice")
    assert rondo("delete-pipeline", "twice", newest).returncode == 0
    assert rondo("pipelines", "twice", "--quiet").stdout.splitlines() == older
    assert rondo("delete-pipeline", "twice").returncode == 0
    assert rondo("pipelines", "twice").returncode == 3
