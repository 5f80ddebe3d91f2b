"""Users and service tokens over HTTP."""

from uuid import UUID

from libs.identity.login import TooSoon
from libs.identity.service_tokens import ServiceToken
from services.api.accounts import commands, queries, schemas
from services.api.accounts.queries import USERS_PATH
from services.api.accounts.schemas import Account
from services.api.fields import Nothing
from services.api.http.errors import Refusal
from services.api.http.request_context import RequestContext
from services.api.http.route import ALWAYS, BY_ID, Route, post


async def search(context: RequestContext, _: None) -> list[Account]:
    """The user with `?email=`, or all users."""
    email = context.request.query.get("email")
    return [Account.of(user) for user in await queries.with_email(context.identity.users, email)]


async def by_id(context: RequestContext, _: None) -> Account:
    return Account.of(await queries.user(context.identity.users, _id_in_path(context)))


async def update(context: RequestContext, body: schemas.Representation) -> None:
    """As `set_enabled`, at the address of Keycloak."""
    await set_enabled(context, schemas.SetEnabled(_id_in_path(context), body.enabled))


def _id_in_path(context: RequestContext) -> UUID:
    text = context.request.match_info["id"]
    try:
        return UUID(text)
    except ValueError:
        raise queries.unknown(text) from None


async def query(context: RequestContext, body: schemas.Query) -> schemas.Accounts:
    users = await queries.with_ids(context.identity.users, body.user_ids)
    return schemas.Accounts({user.id: Account.of(user) for user in users})


async def whoami(context: RequestContext, _: object) -> Account:
    return Account.of(context.user)


async def change_password(context: RequestContext, body: schemas.ChangePassword) -> Account:
    try:
        user = await commands.change_password(
            context.caller, context.identity, context.address, body
        )
    except TooSoon as soon:
        wait = {"Retry-After": str(soon.seconds)}
        raise Refusal(429, "slow_down", f"current: {soon}", wait) from soon
    return Account.of(user)


async def create(context: RequestContext, body: schemas.CreateUser) -> schemas.WithPassword:
    user, password = await commands.create(context.caller, context.identity.users, body)
    return schemas.WithPassword(Account.of(user), password)


async def invite(context: RequestContext, body: schemas.CreateUser) -> schemas.Invited:
    """As `create`, in the form that published clients read."""
    user, password = await commands.create(context.caller, context.identity.users, body)
    return schemas.Invited.of_user(user, password)


async def reset_password(
    context: RequestContext, body: schemas.ResetPassword
) -> schemas.WithPassword:
    user, password = await commands.reset_password(context.caller, context.identity.users, body)
    return schemas.WithPassword(Account.of(user), password)


async def set_enabled(context: RequestContext, body: schemas.SetEnabled) -> Account:
    return Account.of(await commands.set_enabled(context.caller, context.identity.users, body))


async def set_admin(context: RequestContext, body: schemas.SetAdmin) -> Account:
    return Account.of(await commands.set_admin(context.caller, context.identity.users, body))


async def create_token(context: RequestContext, body: schemas.CreateToken) -> schemas.CreatedToken:
    token, secret = await commands.create_token(
        context.caller, context.store.rows, context.identity.service_tokens, body
    )
    return schemas.CreatedToken(token, secret)


async def list_tokens(context: RequestContext, _: object) -> schemas.TokenList:
    return schemas.TokenList(await queries.tokens(context.user, context.identity.service_tokens))


async def revoke_token(context: RequestContext, body: schemas.TokenById) -> ServiceToken:
    return await commands.revoke_token(context.caller, context.identity.service_tokens, body.id)


ACCOUNT_ROUTES = (
    Route(
        "GET",
        USERS_PATH,
        search,
        None,
        list[schemas.Account],
        "The user of an email, or all users.",
        errors=(401, 503),
        query=("email",),
    ),
    Route(
        "GET",
        USERS_PATH + "/{id}",
        by_id,
        None,
        schemas.Account,
        "One user.",
        errors=(401, 404, 503),
    ),
    Route(
        "PUT",
        USERS_PATH + "/{id}",
        update,
        schemas.Representation,
        None,
        "Disable or enable a user (administrators).",
        status=204,
        errors=(*BY_ID, 409),
    ),
    post(
        "users/query",
        query,
        schemas.Query,
        schemas.Accounts,
        summary="Users by their ids, or all.",
        errors=ALWAYS,
    ),
    post(
        "users/whoami",
        whoami,
        Nothing,
        schemas.Account,
        summary="Who you are.",
        errors=ALWAYS,
    ),
    post(
        "users/change_password",
        change_password,
        schemas.ChangePassword,
        schemas.Account,
        summary="Change your own password; you are logged out everywhere.",
        errors=(*ALWAYS, 403, 429),
    ),
    post(
        "users/create",
        create,
        schemas.CreateUser,
        schemas.WithPassword,
        summary="Create a user (administrators).",
        errors=(*ALWAYS, 403, 409),
    ),
    post(
        "users/invite",
        invite,
        schemas.CreateUser,
        schemas.Invited,
        summary="Create a user (administrators), as published clients do.",
        errors=(*ALWAYS, 403, 409),
    ),
    post(
        "users/reset_password",
        reset_password,
        schemas.ResetPassword,
        schemas.WithPassword,
        summary="Give a user another password (administrators).",
    ),
    post(
        "users/set_enabled",
        set_enabled,
        schemas.SetEnabled,
        schemas.Account,
        summary="Disable or enable a user (administrators).",
        errors=(*BY_ID, 409),
    ),
    post(
        "users/set_admin",
        set_admin,
        schemas.SetAdmin,
        schemas.Account,
        summary="Make a user an administrator, or no longer (administrators).",
        errors=(*BY_ID, 409),
    ),
    post(
        "tokens/create",
        create_token,
        schemas.CreateToken,
        schemas.CreatedToken,
        summary="Make a token for a program, good for some of your workspaces.",
    ),
    post(
        "tokens/list",
        list_tokens,
        Nothing,
        schemas.TokenList,
        summary="Your service tokens; everybody's for an administrator.",
        errors=(*ALWAYS, 403),
    ),
    post(
        "tokens/revoke",
        revoke_token,
        schemas.TokenById,
        ServiceToken,
        summary="End a service token.",
    ),
)
