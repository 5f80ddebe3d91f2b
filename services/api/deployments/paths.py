"""Where a pipeline infers; it stays the same through all its deployments."""

from urllib.parse import quote

from libs.domain.deployment import Deployment

INFER = "/v1/api/pipelines/infer/{deployment}/{pipeline}"


def path_of(state: Deployment) -> str:
    """The path of its requests; clients put it together themselves, from the same parts."""
    name = quote(state.name)
    return INFER.format(deployment=f"{name}-{state.number}", pipeline=name)
