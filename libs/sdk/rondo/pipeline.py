# Made from aio/pipeline.py by generate.py: change that one, then run this.
"""A pipeline: steps that are versioned, deployed, and asked for inferences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rondo.deployment_config import DeploymentConfigBuilder
from rondo.errors import DeploymentFailed, EntityNotFoundError
from rondo.html import Table
from rondo.inference import Inference
from rondo.inference_records import PipelineRecord, PipelineVersion
from rondo.parallel_inference import ParallelInference
from rondo.pipeline_log import PipelineLog
from rondo.polling import until
from rondo.progress import Spinner
from rondo.session import CALL_PATIENCE_SECONDS, WAIT_PATIENCE_SECONDS
from rondo.steps import StepList
from rondo.tag import Tag

if TYPE_CHECKING:
    from rondo.calls import Calls

_TAGS = """
query PipelineTags($id: bigint!) {
  pipeline_by_pk(id: $id) { pipeline_tags { tag { id tag } } }
}"""


class Pipeline(StepList, Inference, ParallelInference, PipelineLog):
    """A pipeline of a workspace.

    Steps are added here, and sent by `deploy` or `create_version`. One that was found has none
    here: `deploy` then serves its newest version as it is, or the version that `get_pipeline` was
    asked for.
    """

    def __init__(
        self, client: Calls, data: dict[str, Any], version: PipelineVersion | None = None
    ) -> None:
        PipelineRecord.__init__(self, data, client.time_format)
        StepList.__init__(self)
        self._client = client
        self._chosen = version

    def versions(self) -> Table[PipelineVersion]:
        """Its versions, newest first."""
        body = {"pipeline_id": self.name(), "workspace_id": self.workspace_id()}
        items = (self._client.session.read("pipelines/list_pipeline_versions", body))[
            "pipeline_versions"
        ]
        versions = (
            PipelineVersion(item["pipeline_version"], self._client.time_format) for item in items
        )
        return Table(versions, "versions")

    def delete_version(self, version: PipelineVersion | str) -> None:
        """Delete one version, or that with this id. What is deployed goes on."""
        id = version if isinstance(version, str) else version.id()
        body = {"pipeline_versions": [id]}
        send = self._client.session.command
        send("pipelines/delete_pipeline_versions", body, repeatable=True)

    def create_version(self) -> PipelineVersion:
        """Send the steps as a new version, without deploying it."""
        steps = self.steps()
        body = {
            "pipeline_id": self.name(),
            "workspace_id": self.workspace_id(),
            "definition": {"id": self.name(), "steps": steps},
        }
        created = self._client.session.command("pipelines/create", body, repeatable=True)
        version = created["pipeline_variant_version"]
        answer = self._client.session.read_new("pipelines/get_version", {"version": version})
        data = {"id": self.name(), "version": version, "steps": answer["definition"]["steps"]}
        return PipelineVersion(data, self._client.time_format)

    def deploy(
        self,
        pipeline_name: str | Mapping[str, Any] | None = None,
        deployment_config: Mapping[str, Any] | None = None,
        wait_for_status: bool | None = True,
        *,
        replicas: int | None = None,
        cpus: float | None = None,
        memory: str | None = None,
        autoscale: tuple[int, int] | None = None,
        timeout: float | None = None,
    ) -> Pipeline:
        """Serve it, and return itself; what was served before is replaced without a gap.

        - `deployment_config` is what `DeploymentConfigBuilder` builds; it may stand first, too.
        - `replicas`, `cpus` and `memory` (of each) say the same in short; `autoscale=(0, 5)` lets
          the number of replicas follow the load.
        - `wait_for_status` waits until it runs, `timeout` seconds at most.
        - `pipeline_name` is accepted for older scripts.

        Raises DeploymentFailed with the reason when it can't be served, TimeoutError when it does
        not run in time, RequestRefused when the platform refuses the steps or the config.
        """
        given = deployment_config
        if given is None and isinstance(pipeline_name, Mapping):
            given = pipeline_name
        version = self._version_to_deploy()
        body = {
            "deploy_id": self.name(),
            "pipeline_id": self.id(),
            "pipeline_version": version.id(),
            "engine_config": _engine_config(given, replicas, cpus, memory, autoscale),
        }
        answer = self._client.session.command("pipelines/deploy", body, repeatable=True)
        self._path = f"/v1/api/pipelines/infer/{self.name()}-{answer['id']}/{self.name()}"
        return self.wait(timeout) if wait_for_status else self

    def wait(self, timeout: float | None = None) -> Pipeline:
        """Wait until it runs, and return itself. A terminal shows the progress.

        Raises TimeoutError after `timeout` seconds, DeploymentFailed with the reason when it can't
        be served, or is deployed no more.
        """
        with Spinner(f"deploying {self.name()}") as spinner:

            def running() -> Pipeline | None:
                status = self.status(WAIT_PATIENCE_SECONDS)
                spinner.turn(status["status"])
                if status["status"] == "Running":
                    return self
                if status["status"] != "Starting":
                    why = "; ".join(status.get("details") or [status["status"]])
                    raise DeploymentFailed(f"pipeline {self.name()!r}: {why}", "deployment_failed")
                return None

            return until(running, f"pipeline {self.name()!r} to run", timeout)

    def status(self, patience: float = CALL_PATIENCE_SECONDS) -> dict[str, Any]:
        """How far its deployment is.

        `status` is `Starting`, `Running` or `Error`, `details` say why, `engines` are its replicas.
        Of one that is not deployed `status` says so. `patience` is how many seconds to try again
        while the platform is away.
        """
        try:
            name = (self._infer_path()).split("/")[-2]
            status = self._client.session.read("status/get_deployment", {"name": name}, patience)
        except EntityNotFoundError:
            return {"status": f"Pipeline {self.name()} is not deployed"}
        return dict(status)

    def undeploy(self) -> Pipeline:
        """Serve it no more, and return itself. From now on inferences are refused.

        It is no error when it is not deployed.
        """
        body = {"pipeline_id": self.id()}
        self._client.session.command("pipelines/undeploy", body, repeatable=True)
        return self

    def tags(self) -> Table[Tag]:
        """The tags on it."""
        data = self._client.session.graphql(_TAGS, {"id": self.id()})
        found = data["pipeline_by_pk"]["pipeline_tags"]
        return Table((Tag(self._client, one["tag"]) for one in found), "tags")

    def delete(self) -> None:
        """Delete it with its versions and logs. Raises Conflict while it is deployed."""
        body = {"pipeline_id": self.name(), "workspace_id": self.workspace_id()}
        self._client.session.command("pipelines/delete_pipeline", body, repeatable=True)

    def _version_to_deploy(self) -> PipelineVersion:
        """The steps of here as a version, or without any the one that was chosen, or the newest."""
        if not self.steps():
            newest, *_ = self.versions()
            return self._chosen or newest
        if self._chosen is None or self._chosen.steps() != self.steps():
            self._chosen = self.create_version()
        return self._chosen


def _engine_config(
    given: Mapping[str, Any] | None,
    replicas: int | None,
    cpus: float | None,
    memory: str | None,
    autoscale: tuple[int, int] | None,
) -> dict[str, Any]:
    if given is not None:
        if (replicas, cpus, memory, autoscale) != (None, None, None, None):
            raise ValueError("deployment_config: say replicas and sizes in it, or beside it alone")
        return dict(given)
    builder = DeploymentConfigBuilder()
    if replicas is not None:
        builder.replica_count(replicas)
    if cpus is not None:
        builder.cpus(cpus)
    if memory is not None:
        builder.memory(memory)
    if autoscale is not None:
        builder.replica_autoscale_min_max(minimum=autoscale[0], maximum=autoscale[1])
    return builder.build()
