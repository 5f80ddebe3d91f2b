"""Workspaces and their members over HTTP."""

from services.api.append import idempotency
from services.api.http.request_context import RequestContext
from services.api.http.route import ALWAYS, BY_ID, post
from services.api.workspaces import commands, members, queries, schemas


async def create(
    context: RequestContext, body: schemas.CreateWorkspace
) -> schemas.WorkspaceCreated:
    id = await commands.create(context.caller, context.store, body.workspace_name)
    return schemas.WorkspaceCreated(id)


async def list_workspaces(
    context: RequestContext, body: schemas.ListWorkspaces
) -> schemas.Workspaces:
    found = await queries.with_numbers(context.user, context.store.rows, body.user_id)
    return schemas.Workspaces(found)


async def list_members(context: RequestContext, body: schemas.ListMembers) -> schemas.Members:
    users = context.identity.users
    return schemas.Members(
        await queries.members(context.user, context.store.rows, users, body.workspace_id)
    )


async def add(context: RequestContext, body: schemas.AddMember) -> schemas.Member:
    user = await members.add(context.caller, context.store, context.identity.users, body)
    return schemas.Member.of(user, body.user_type)


async def remove(context: RequestContext, body: schemas.RemoveMember) -> schemas.MemberRemoved:
    id = await members.remove(context.caller, context.store, context.identity.users, body)
    return schemas.MemberRemoved(body.workspace_id, id)


WORKSPACE_ROUTES = (
    post(
        "workspaces/create",
        create,
        schemas.CreateWorkspace,
        schemas.WorkspaceCreated,
        summary="Create a workspace that you own.",
        errors=(*ALWAYS, 409),
        headers=(idempotency.HEADER,),
    ),
    post(
        "workspaces/list",
        list_workspaces,
        schemas.ListWorkspaces,
        schemas.Workspaces,
        summary="Your workspaces; all of them for an administrator.",
        errors=(*ALWAYS, 403),
        machines=True,
    ),
    post(
        "workspaces/list_users",
        list_members,
        schemas.ListMembers,
        schemas.Members,
        summary="A workspace's members.",
    ),
    post(
        "workspaces/add_user",
        add,
        schemas.AddMember,
        schemas.Member,
        summary="Add a member to a workspace that you own, or change what they are.",
        errors=(*BY_ID, 409),
    ),
    post(
        "workspaces/remove_user",
        remove,
        schemas.RemoveMember,
        schemas.MemberRemoved,
        summary="Remove a member from a workspace that you own, or leave one.",
        errors=(*BY_ID, 409),
    ),
)
