"""Pipelines: built, deployed, described, searched, tagged, undeployed and deployed anew."""

import sys

from wallaroo.deployment_config import DeploymentConfigBuilder
from wallaroo.object import EntityNotFoundError

from tests.sdk_acceptance.scripts.common import client, refusal, until
from tests.sdk_acceptance.scripts.served import model, name, outputs, rows

folder = sys.argv[1]
wl = client()
workspace = wl.get_current_workspace()
one = model(wl, folder, "rf_model.onnx", tensor_fields=["tensor"])
own = name("p")
try:
    pipeline = wl.pipelines_by_name(own)[0]
except EntityNotFoundError:
    pipeline = wl.build_pipeline(own)
assert pipeline.status()["status"] != "Running"

pipeline.add_model_step(one)
config = DeploymentConfigBuilder().replica_count(1).cpus(0.5).memory("1Gi").build()
pipeline.deploy(deployment_config=config)
status = pipeline.status()
assert status["status"] == "Running", status
assert status["engines"][0]["pipeline_statuses"]["pipelines"][0]["id"] == own
assert status["engines"][0]["model_statuses"]["models"][0]["name"] == one.name()
assert status["details"] == []
assert len(outputs(pipeline.infer(rows(1)))) == 1
url = pipeline.url()
assert url == pipeline.get_external_url()

by_name = wl.pipelines_by_name(own)[0]
assert (by_name.id(), by_name.name()) == (pipeline.id(), own)
fetched = wl.get_pipeline(own)
assert fetched.id() == pipeline.id()
assert fetched.status()["status"] == "Running"
assert len(outputs(fetched.infer(rows(1)))) == 1
assert "not found in this workspace" in refusal(lambda: wl.get_pipeline("nothing"))
versions = [version.name() for version in fetched.versions()]
assert len(versions) == 2, versions
assert wl.get_pipeline(own, version=versions[0]).id() == pipeline.id()
assert one.name() in str(fetched.get_pipeline_configuration(versions[0]))
(listed,) = wl.list_pipelines(workspace_id=workspace.id())
assert listed.id() == pipeline.id()
assert [found.id() for found in wl.list_pipelines(workspace_name=workspace.name())] == [
    pipeline.id()
]
assert pipeline.id() in {found.id() for found in wl.list_pipelines()}
found = wl.search_pipelines(own)
assert [version.name() for version in found] == versions
assert [version.name() for version in wl.search_pipelines(one.name())] == versions[:1]
assert wl.search_pipelines(own, deployed=True)
assert not wl.search_pipelines(own, deployed=False)
assert wl.search_pipelines(own, workspace_id=workspace.id())

tag = wl.create_tag(name("t"))
tag.add_to_pipeline(pipeline.id())
assert [shown.tag() for shown in wl.get_pipeline(own).tags()] == [tag.tag()]
assert [found.id() for found in tag.list_pipelines()] == [pipeline.id()]
assert wl.search_pipelines(tag.tag())
assert tag.id() in {shown.id() for shown in wl.list_tags()}
tag.remove_from_pipeline(pipeline.id())
assert tag.list_pipelines() == []

for shown in (pipeline, fetched, wl.list_pipelines(), found, wl.list_tags()):
    assert shown._repr_html_(), shown
assert one.name() in pipeline._repr_html_()
assert pipeline._deployment.id() in {shown.id() for shown in wl.list_deployments()}
assert len(wl.list_publishes()) == len(pipeline.publishes()) == 0
assert "no publishes" in refusal(pipeline.publish)

pipeline.undeploy()
assert "EntityNotFoundError" in refusal(pipeline.status)
assert "404" in refusal(lambda: pipeline.infer(rows(1)))
pipeline.undeploy()

pipeline.deploy(wait_for_status=False)
until(lambda: pipeline.status()["status"] == "Running", "it runs")
assert len(outputs(pipeline.infer(rows(1)))) == 1
fetched = wl.get_pipeline(own)
fetched.undeploy()
fetched.deploy()
assert fetched.status()["status"] == "Running"
assert fetched.url() == url
assert len(outputs(fetched.infer(rows(1)))) == 1
fetched.undeploy()

other = wl.build_pipeline(name("p"))
assert "add a model step" in refusal(other.deploy)
other.add_model_step(model(wl, folder, "linear.onnx"))
gpu = DeploymentConfigBuilder().gpus(1).build()
assert "Failed to deploy" in refusal(lambda: other.deploy(deployment_config=gpu))
print("done")
