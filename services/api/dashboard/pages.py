"""The table of pages, and how they are served."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler

from libs.domain.errors import Rejected
from services.api.dashboard import (
    account,
    connections,
    deploy,
    history,
    issuer,
    live,
    log,
    model,
    models,
    new_task,
    pipeline,
    pipeline_log,
    pipelines,
    platform,
    run,
    signin,
    static,
    subscriptions,
    task,
    theme,
    timeline,
    trial,
    users,
    workload,
    workloads,
    workspaces,
)
from services.api.dashboard.page_context import VISIT, PageContext, begin, local
from services.api.http.form import cookie
from services.api.http.request_context import RequestContext
from services.api.resources import Resources


@dataclass(frozen=True)
class Page:
    """One page, for everybody who is signed in; its handler checks rights by `access`."""

    method: str
    path: str
    handler: Callable[[PageContext], Awaitable[web.StreamResponse]]
    administrators_only: bool = False


async def _first(visit: PageContext) -> web.Response:
    return visit.to("/workloads")


async def _theme(visit: PageContext) -> web.Response:
    form = await visit.form()
    response = visit.to(local(form.get("back", "/")))
    theme.keep(response, form.get("theme", ""))
    return response


PAGES = (
    Page("GET", "/", _first),
    Page("POST", "/signout", signin.sign_out),
    Page("POST", "/theme", _theme),
    Page("GET", "/live", live.changes),
    Page("GET", "/workloads", workloads.show),
    Page("POST", "/workloads", workloads.upload),
    Page("GET", "/workloads/{orchestration}", workload.show),
    Page("GET", "/workloads/{orchestration}/file", workload.download),
    Page("GET", "/workloads/{orchestration}/tasks/new", new_task.show),
    Page("POST", "/workloads/{orchestration}/tasks", new_task.create),
    Page("GET", "/schedule", new_task.preview),
    Page("GET", "/tasks/{task}", task.show),
    Page("GET", "/tasks/{task}/stop", task.ask_to_stop),
    Page("POST", "/tasks/{task}/stop", task.stop),
    Page("POST", "/tasks/{task}/pause", task.pause),
    Page("POST", "/tasks/{task}/resume", task.resume),
    Page("GET", "/runs/{run}", run.show),
    Page("POST", "/runs/{run}/stop", run.stop),
    Page("POST", "/runs/{run}/again", run.again),
    Page("GET", "/runs/{run}/inferences", pipeline_log.of_run),
    Page("GET", "/runs/{run}/log", log.download),
    Page("GET", "/runs/{run}/follow", log.follow),
    Page("GET", "/models", models.show),
    Page("POST", "/models", models.upload),
    Page("GET", "/models/{model}", model.show),
    Page("POST", "/models/{model}/configure", model.configure),
    Page("POST", "/models/{model}/delete-version", model.delete_version),
    Page("POST", "/models/{model}/delete", model.delete),
    Page("GET", "/pipelines", pipelines.show),
    Page("POST", "/pipelines", pipelines.create),
    Page("GET", "/pipelines/{pipeline}", pipeline.show),
    Page("GET", "/pipelines/{pipeline}/versions", pipeline.show_versions),
    Page("GET", "/pipelines/{pipeline}/deploy", deploy.show),
    Page("POST", "/pipelines/{pipeline}/deploy", deploy.deploy),
    Page("POST", "/pipelines/{pipeline}/undeploy", deploy.undeploy),
    Page("GET", "/pipelines/{pipeline}/try", trial.show),
    Page("POST", "/pipelines/{pipeline}/try", trial.send),
    Page("GET", "/pipelines/{pipeline}/logs", pipeline_log.show),
    Page("POST", "/pipelines/{pipeline}/delete", pipeline.delete),
    Page("GET", "/timeline", timeline.show),
    Page("GET", "/history/{aggregate}/{id}", history.show),
    Page("GET", "/connections", connections.show),
    Page("POST", "/connections", connections.create),
    Page("GET", "/connections/{connection}", connections.one),
    Page("POST", "/connections/{connection}/attach", connections.attach),
    Page("POST", "/connections/{connection}/detach", connections.detach),
    Page("POST", "/connections/{connection}/delete", connections.delete),
    Page("GET", "/subscriptions", subscriptions.show),
    Page("POST", "/subscriptions", subscriptions.create),
    Page("GET", "/subscriptions/{subscription}", subscriptions.one),
    Page("POST", "/subscriptions/{subscription}/pause", subscriptions.pause),
    Page("POST", "/subscriptions/{subscription}/resume", subscriptions.resume),
    Page("POST", "/subscriptions/{subscription}/delete", subscriptions.delete),
    Page("POST", "/subscriptions/{subscription}/test", subscriptions.test),
    Page("POST", "/subscriptions/{subscription}/retry", subscriptions.retry),
    Page("POST", "/subscriptions/{subscription}/discard", subscriptions.discard),
    Page("GET", "/workspaces", workspaces.show),
    Page("POST", "/workspaces", workspaces.create),
    Page("GET", "/workspaces/{workspace}", workspaces.one),
    Page("POST", "/workspaces/{workspace}/add", workspaces.add),
    Page("POST", "/workspaces/{workspace}/remove", workspaces.remove),
    Page("GET", "/account", account.show),
    Page("POST", "/account/tokens", account.create_token),
    Page("POST", "/account/tokens/revoke", account.revoke_token),
    Page("POST", "/account/password", account.change_password),
    Page("GET", "/platform", platform.show, administrators_only=True),
    Page("POST", "/platform/retry", platform.retry, administrators_only=True),
    Page("POST", "/platform/discard", platform.discard, administrators_only=True),
    Page("POST", "/platform/resume", platform.resume, administrators_only=True),
    Page("GET", "/users", users.show, administrators_only=True),
    Page("POST", "/users", users.create, administrators_only=True),
    Page("POST", "/users/password", users.reset_password, administrators_only=True),
    Page("POST", "/users/enabled", users.set_enabled, administrators_only=True),
    Page("POST", "/users/admin", users.set_admin, administrators_only=True),
)


def add_pages(app: web.Application, resources: Resources) -> None:
    app.router.add_get("/static/{version}/{name}", static.serve)
    app.router.add_get(signin.PATH, _public(resources, signin.show))
    app.router.add_post(signin.PATH, _public(resources, signin.sign_in))
    app.router.add_get(issuer.PATH, _public(resources, issuer.begin))
    app.router.add_get(issuer.BACK, _public(resources, issuer.back))
    for page in PAGES:
        app.router.add_route(page.method, page.path, _handler(resources, page))


def _public(
    resources: Resources, handler: Callable[[RequestContext], Awaitable[web.StreamResponse]]
) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return await handler(RequestContext(resources, request, None))

    return handle


def _handler(resources: Resources, page: Page) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        visit = request[VISIT] = await _visit(resources, request)
        if page.administrators_only and not visit.context.user.admin:
            raise Rejected("forbidden", "page: only administrators may see this; ask one")
        return await page.handler(visit)

    return handle


async def _visit(resources: Resources, request: web.Request) -> PageContext:
    secret = cookie(request, signin.cookie_name(RequestContext(resources, request, None)))
    user = await resources.identity.sessions.user(secret) if secret else None
    if user is None:
        raise Rejected("unauthorized", "session: sign in")
    return await begin(RequestContext(resources, request, user), secret)
