"""Connections over HTTP."""

from services.api.append import idempotency
from services.api.connections import commands, queries, schemas
from services.api.fields import Created, Nothing
from services.api.http.request_context import RequestContext
from services.api.http.route import ALWAYS, post


async def create(context: RequestContext, body: schemas.CreateConnection) -> Created:
    vault = context.contents.vault
    return Created(await commands.create(context.caller, context.store, vault, body))


async def get(context: RequestContext, body: schemas.ConnectionByName) -> schemas.Connection:
    vault = context.contents.vault
    return await queries.named(context.user, context.store.rows, vault, body.name)


async def get_by_id(context: RequestContext, body: schemas.ConnectionById) -> schemas.Connection:
    vault = context.contents.vault
    return await queries.by_id(context.user, context.store.rows, vault, body.id)


async def list_connections(
    context: RequestContext, body: schemas.ListConnections
) -> schemas.Connections:
    connections = await queries.listed(context.user, context.store.rows, body.workspace_id)
    return schemas.Connections(connections)


async def add_to_workspace(context: RequestContext, body: schemas.Attachment) -> Created:
    return Created(await commands.attach(context.caller, context.store, body))


async def remove_from_workspace(context: RequestContext, body: schemas.Attachment) -> None:
    await commands.detach(context.caller, context.store, body)


async def delete(context: RequestContext, body: schemas.ConnectionByName) -> None:
    await commands.delete(context.caller, context.store, context.contents.vault, body.name)


async def rotate_keys(context: RequestContext, _: Nothing) -> schemas.KeysRotated:
    return schemas.KeysRotated(await commands.rotate_keys(context.user, context.contents.vault))


CONNECTION_ROUTES = (
    post(
        "connections/create",
        create,
        schemas.CreateConnection,
        Created,
        summary="Create a connection to a data source; its details are kept sealed.",
        errors=(*ALWAYS, 409),
        headers=(idempotency.HEADER,),
    ),
    post(
        "connections/get",
        get,
        schemas.ConnectionByName,
        schemas.Connection,
        summary="A connection by its name, with its details.",
        machines=True,
    ),
    post(
        "connections/get_by_id",
        get_by_id,
        schemas.ConnectionById,
        schemas.Connection,
        summary="A connection, with its details.",
        machines=True,
    ),
    post(
        "connections/list",
        list_connections,
        schemas.ListConnections,
        schemas.Connections,
        summary="Connections without their details, oldest first.",
        machines=True,
    ),
    post(
        "connections/add_to_workspace",
        add_to_workspace,
        schemas.Attachment,
        Created,
        summary="Let the members of a workspace use a connection that you created.",
    ),
    post(
        "connections/remove_from_workspace",
        remove_from_workspace,
        schemas.Attachment,
        None,
        summary="Take a connection out of a workspace.",
        status=204,
    ),
    post(
        "connections/delete",
        delete,
        schemas.ConnectionByName,
        None,
        summary="Delete a connection; nobody can read its details after that.",
        status=204,
    ),
    post(
        "connections/rotate_keys",
        rotate_keys,
        Nothing,
        schemas.KeysRotated,
        summary="Protect all connections by the newest key of the ring.",
        errors=(*ALWAYS, 403),
    ),
)
