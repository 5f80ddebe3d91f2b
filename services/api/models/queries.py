"""Models as their readers may see them."""

from collections.abc import Sequence

from libs.domain.ids import model_version_stream
from libs.domain.model import Model
from libs.domain.model_version import ModelVersion
from libs.domain.workspace import Workspace
from libs.identity.users import User
from services.api.access import authorize as access
from services.api.access import inference as inference_access
from services.api.append.store import Store
from services.api.fields import MAX_LISTED
from services.api.models import schemas, upload_log
from services.api.read_model.deployments import deployments_of_model_versions
from services.api.read_model.models import model_page, versions_of_models
from services.api.read_model.row_types import NEWEST, Rows
from services.api.workspaces import schemas as workspace_schemas


async def listed(user: User, rows: Rows, which: schemas.ListModels) -> list[schemas.ModelItem]:
    """Newest first."""
    chosen = await access.chosen_workspaces(user, rows, which.workspace_id, which.workspace_name)
    workspaces = {state.id: state for state in chosen}
    models = await model_page(rows, list(workspaces), NEWEST, MAX_LISTED)
    versions = await versions_of_models(rows, [state.id for state in models], 1)
    return [_item(state, versions[state.id], workspaces[state.workspace]) for state in models]


def _item(state: Model, newest: Sequence[ModelVersion], workspace: Workspace) -> schemas.ModelItem:
    model = schemas.Model.of(state, newest[0] if newest else None)
    return schemas.ModelItem(model, workspace_schemas.Workspace.of(workspace))


async def with_versions(user: User, rows: Rows, number: int) -> schemas.ModelWithVersions:
    state = await inference_access.model(user, rows, number, "id")
    workspace = await access.workspace(user, rows, state.workspace)
    return schemas.ModelWithVersions.of(state, workspace, await _versions(rows, state))


async def versions(user: User, rows: Rows, which: schemas.VersionsOf) -> list[schemas.ShortVersion]:
    """Newest first."""
    state = await inference_access.model(user, rows, which.models_pk_id, "models_pk_id")
    return [schemas.ShortVersion.of(each, state) for each in await _versions(rows, state)]


async def _versions(rows: Rows, state: Model) -> list[ModelVersion]:
    return (await versions_of_models(rows, [state.id], MAX_LISTED))[state.id]


async def configured(user: User, rows: Rows, number: int) -> schemas.ConfiguredModelVersion:
    state = await inference_access.model_version(user, rows, number)
    deployed = await deployments_of_model_versions(rows, [state.id])
    return schemas.ConfiguredModelVersion.of(state, bool(deployed))


async def upload_logs(user: User, store: Store, which: schemas.UploadLogsOf) -> list[str]:
    """What became of an upload, oldest first; the last `lines` of it."""
    state = await inference_access.model_version(user, store.rows, which.model_version_id)
    lines = upload_log.lines(await store.log.read(model_version_stream(state.workspace, state.id)))
    return lines if which.lines is None else lines[len(lines) - min(which.lines, len(lines)) :]
