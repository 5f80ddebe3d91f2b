"""Models: uploaded, configured, listed, searched, tagged, refused."""

import sys

from wallaroo.framework import Framework

from tests.sdk_acceptance.scripts.common import client, refusal, unique

folder = sys.argv[1]
wl = client()
workspace = wl.get_current_workspace()
name = unique("m")[:40]

first = wl.upload_model(name, f"{folder}/rf_model.onnx", framework=Framework.ONNX)
assert first.name() == name
assert str(first.status()) == "ready", first.status()
assert first.file_name() == "rf_model.onnx"
assert len(first.sha()) == 64
assert first.error_summary() is None
config = first.config()
configured = first.configure(tensor_fields=["tensor"])
assert configured.config().tensor_fields() == ["tensor"], configured.config().tensor_fields()
assert configured.config().id() != config.id()

second = wl.upload_model(name, f"{folder}/xgb_model.onnx", framework=Framework.ONNX).configure()
assert second.name() == name
assert second.version() != first.version()
assert second.sha() != first.sha()

(listed,) = wl.list_models()
assert listed.name() == name
assert [one.id() for one in listed.versions()] == [second.id(), first.id()]
assert wl.get_model(name).id() == second.id()
assert wl.get_model(name, version=first.version()).id() == first.id()
assert wl.model_version_by_name(name, first.version()).sha() == first.sha()
assert "Error" in refusal(lambda: wl.model_version_by_name(name, "nothing"))
assert {one.id() for one in wl.search_models(name)} == {first.id(), second.id()}
assert [one.id() for one in wl.search_models(first.sha(), workspace_id=workspace.id())] == [
    first.id()
]
assert wl.search_models("nothing like that") == []
fetched = wl.get_model(name, version=first.version())
assert fetched.config().tensor_fields() == ["tensor"]

tag = wl.create_tag(unique("t"))
tag.add_to_model(first.id())
assert [one.tag() for one in wl.get_model(name, version=first.version()).tags()] == [tag.tag()]
assert [one.id() for one in tag.list_model_versions()] == [first.id()]
assert [one.id() for one in wl.search_models(tag.tag())] == [first.id()]
tag.remove_from_model(first.id())
assert tag.list_model_versions() == []

broken = f"{folder}/broken.onnx"
problem = refusal(lambda: wl.upload_model(unique("b")[:40], broken, Framework.ONNX))
assert "Model failed to upload" in problem, problem
for shown in (listed, first, wl.list_models(), wl.search_models(name)):
    assert shown._repr_html_(), shown
print("done")
