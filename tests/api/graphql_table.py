"""How documents begin: a row for each field of a root of the schema, with what it is asked for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from tests.api.served_world import Version


@dataclass(frozen=True)
class Things:
    """One of each in a workspace. All names in it have `word`, which is nowhere else."""

    word: str
    workspace: int
    orchestration: UUID
    version: Version
    pipeline: int
    pipeline_version: int
    deployment: int
    tag: int

    @property
    def names(self) -> set[object]:
        """A number is the place of an event: nothing else has it."""
        version = self.version
        numbers = {self.pipeline, self.pipeline_version, self.deployment, self.tag, self.workspace}
        ours = {version.number, version.model, version.config, str(version.id)}
        return {*numbers, *ours, str(self.orchestration), self.word}

    def of(self, answer: object) -> set[object]:
        """What of them is named in an answer."""
        return set(_values(answer)) & self.names


def _values(answer: object) -> Iterator[object]:
    if isinstance(answer, dict):
        for one in answer.values():
            yield from _values(one)
    elif isinstance(answer, list):
        for one in answer:
            yield from _values(one)
    else:
        yield answer


# By field of the root, its arguments: those that name one of the things, if there are such.
QUERIES: dict[str, Callable[[Things], str]] = {
    "workspace_by_pk": lambda things: f"(id: {things.workspace})",
    "user_default_workspace": lambda _: "",
    "orchestration_by_pk": lambda things: f'(id: "{things.orchestration}")',
    "pipeline_by_pk": lambda things: f"(id: {things.pipeline})",
    "pipeline": lambda _: "",
    "pipeline_version_by_pk": lambda things: f"(id: {things.pipeline_version})",
    "deployment_by_pk": lambda things: f"(id: {things.deployment})",
    "deployment": lambda _: "",
    "model_by_pk": lambda things: f"(id: {things.version.number})",
    "model": lambda _: "",
    "model_config_by_pk": lambda things: f"(id: {things.version.config})",
    "tag": lambda _: "",
    "tag_by_pk": lambda things: f"(id: {things.tag})",
    "search_pipelines": lambda things: f'(args: {{search: "{things.word}"}})',
    "search_models": lambda things: f'(args: {{search: "{things.word}"}})',
}
# What changes something of the things; `insert_tag` and a workspace of one's own are anybody's.
MUTATIONS: dict[str, Callable[[Things], str]] = {
    "delete_workspace_users": lambda things: (
        f"(where: {{workspace_id: {{_eq: {things.workspace}}}}}) {{ affected_rows }}"
    ),
    "insert_model_tag": lambda things: (
        f"(objects: {{model_id: {things.version.number}, tag_id: {things.tag}}})"
        " { affected_rows }"
    ),
    "delete_model_tag": lambda things: (
        f"(where: {{model_id: {{_eq: {things.version.number}}}, tag_id: {{_eq: {things.tag}}}}})"
        " { affected_rows }"
    ),
    "insert_pipeline_tag": lambda things: (
        f"(objects: {{pipeline_pk_id: {things.pipeline}, tag_pk_id: {things.tag}}})"
        " { affected_rows }"
    ),
    "delete_pipeline_tag": lambda things: (
        f"(where: {{pipeline_pk_id: {{_eq: {things.pipeline}}},"
        f" tag_pk_id: {{_eq: {things.tag}}}}}) {{ affected_rows }}"
    ),
    "update_deployment_by_pk": lambda things: (
        f"(pk_columns: {{id: {things.deployment}}}, _set: {{deployed: false}}) {{ id }}"
    ),
    "insert_deployment_model_configs": lambda things: (
        f"(objects: {{deployment_id: {things.deployment},"
        f" model_config_id: {things.version.config}}}) {{ affected_rows }}"
    ),
    "update_pipeline": lambda things: (
        f'(where: {{id: {{_eq: {things.pipeline}}}}}, _set: {{visibility: "public"}})'
        " { affected_rows }"
    ),
    "update_model": lambda things: (
        f'(where: {{id: {{_eq: {things.version.number}}}}}, _set: {{visibility: "public"}})'
        " { affected_rows }"
    ),
}
ANYBODYS = {"insert_tag", "insert_workspace_one"}
