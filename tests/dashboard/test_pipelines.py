"""Pipelines: made of a model, deployed, tried and undeployed; what they do, and their logs."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import ViewportSize, expect

from tests.dashboard import served
from tests.dashboard.people import Person, signed_in
from tests.dashboard.test_everybody import serious
from tests.dashboard.test_models import cells
from tests.dashboard.visitor import Visitor
from tests.platform import Api, Platform, api, until

NARROW: ViewportSize = {"width": 360, "height": 800}
PATHS = (
    "/models",
    "/models?search=nothing",
    "/models/{model}",
    "/pipelines",
    "/pipelines/{pipeline}",
    "/pipelines/{pipeline}/versions",
    "/pipelines/{pipeline}/deploy",
    "/pipelines/{pipeline}/try",
    "/pipelines/{pipeline}/logs",
    "/pipelines/{idle}",
    "/pipelines/{idle}/try",
)


async def test_a_model_is_put_into_a_pipeline_and_deployed_by_forms(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "forms of pipelines") as client, signed_in(platform) as person:
        version = await served.model(client, tmp_path)
        made = await person.send("/pipelines", {"name": "prices", "version": str(version["id"])})
        path = made.headers["Location"]
        page = (await person.ask("GET", path)).text
        assert "Not deployed: requests are refused." in page
        assert "A model answers" in page
        form = (await person.ask("GET", f"{path}/deploy")).text
        choice = re.search(r'<option value="(\d+)"', form)
        assert choice
        fields = {"version": choice[1], "least": "1", "most": "2", "cpus": "0.5", "memory": "1Gi"}
        assert (await person.send(f"{path}/deploy", fields)).headers["Location"] == path
        await shows(person, path, "Running")
        listed = (await person.ask("GET", f"/pipelines?workspace={client.workspace}")).text
        assert {"prices", "house-price"} <= cells(listed)
        deployment = (await client.post("deployments/list", {"workspace_id": client.workspace}))[
            "deployments"
        ]
        assert [one["engine_config"]["engine"]["autoscale"] for one in deployment] == [
            {
                "replica_min": 1,
                "replica_max": 2,
                "type": "queue",
                "scale_up_queue_depth": 5.0,
            }
        ]
        assert (await person.send(f"{path}/undeploy")).status == 303
        assert "Not deployed" in (await person.ask("GET", path)).text
        assert (await person.send(f"{path}/delete")).status == 303
        assert (await person.ask("GET", path)).status == 404


async def shows(person: Person, path: str, text: str) -> str:
    """The page, once it has that text."""

    async def page() -> str:
        shown = (await person.ask("GET", path)).text
        return shown if text in shown else ""

    return await until(page, text)


async def test_what_can_not_be_deployed_is_refused_and_the_form_keeps_what_was_typed(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "refused deployments") as client, signed_in(platform) as person:
        version = await served.model(client, tmp_path)
        made = await served.pipeline(client, "prices", served.step(version))
        path = f"/pipelines/{made['pipeline_pk_id']}/deploy"
        fields = {"version": str(made["pipeline_variant_pk_id"]), "least": "3", "most": "2"}
        refused = await person.send(path, {**fields, "cpus": "1", "memory": ""})
        assert refused.status == 400
        assert "3 to 2 replicas" in refused.text
        refused = await person.send(path, {**fields, "most": "3", "cpus": "some", "memory": "1"})
        assert refused.status == 400
        assert 'name="cpus" value="some"' in refused.text


async def test_tried_with_its_example_it_answers_and_its_log_has_it(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "trials") as client, signed_in(platform) as person:
        version = await served.model(client, tmp_path)
        made = await served.pipeline(client, "prices", served.step(version))
        path = f"/pipelines/{made['pipeline_pk_id']}"
        assert "Nothing answers" in (await person.ask("GET", f"{path}/try")).text
        assert "No inferences yet" in (await person.ask("GET", f"{path}/logs")).text
        deployment = await served.deployed(client, "prices", made)
        form = (await person.ask("GET", f"{path}/try")).text
        example = re.search(r"<textarea[^>]*>(.*?)</textarea>", form, re.DOTALL)
        assert example
        body = example[1].replace("&#34;", '"')
        assert body == '[{"tensor": [0.0, 0.0, 0.0]}]'
        tried = await person.send(f"{path}/try", {"body": body})
        assert "&#34;variable&#34;: [0.1]" in tried.text
        refused = await person.send(f"{path}/try", {"body": '[{"tensor": [1.0]}]'})
        assert "tensor" in problem(refused.text)
        await served.infer(client, "prices", deployment, served.ROW)
        page = await shows(person, f"{path}/logs", str(served.ANSWER))
        newest, oldest = re.findall(r"<tr><td data-label=\"Time\">.*?</tr>", page, re.DOTALL)
        assert str(served.ANSWER) in newest
        assert "0.1" in oldest
        assert platform.access["user"] in oldest
        later = (await person.ask("GET", f"{path}/logs?since=2100-01-01T00:00:00")).text
        assert "No inference fits" in later
        wrong = await person.ask("GET", f"{path}/logs?since=yesterday")
        assert wrong.status == 400
        assert "no instant" in problem(wrong.text)


def problem(page: str) -> str:
    found = re.search(r'<p class="problem" role="alert">(.*?)</p>', page)
    assert found, page
    return found[1]


async def test_figures_of_a_deployment_and_not_known_while_its_service_is_away(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "figures") as client, signed_in(platform) as person:
        version = await served.model(client, tmp_path)
        made = await served.pipeline(client, "prices", served.step(version))
        path = f"/pipelines/{made['pipeline_pk_id']}"
        deployment = await served.deployed(client, "prices", made)
        await served.infer(client, "prices", deployment, served.ROW)
        page = await shows(person, path, "99 % within")  # figures may be a moment old
        assert re.search(r"<dt>Requests</dt><dd>0\.0\d a second", page)
        assert "Running" in page
        assert platform.signal("inference")
        page = (await person.ask("GET", path)).text
        assert '<dd class="none">Not known</dd>' in page
        await shows(person, path, "Under way")  # it is restarted, and knows its deployments again


ASKS = """
import rondo
pipeline = rondo.Client().get_pipeline("prices")
print(pipeline.infer([{"tensor": [1, 1, 1]}, {"tensor": [2, 2, 2]}]))
"""


async def test_a_run_leads_to_its_inferences_and_they_to_it(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "runs that infer") as client, signed_in(platform) as person:
        version = await served.model(client, tmp_path)
        made = await served.pipeline(client, "prices", served.step(version))
        deployment = await served.deployed(client, "prices", made)
        await served.infer(client, "prices", deployment, served.ROW)  # by nobody's run
        orchestration = await client.ready({"main.py": ASKS}, "asks")
        (run,) = await client.ended(await client.run(orchestration))
        assert run["status"] == "success", await client.log(run["run_id"])
        page = (await person.ask("GET", f"/runs/{run['run_id']}/inferences")).text
        assert {"prices", "2"} <= cells(page)
        link = re.search(r'href="(/pipelines/[^"]+run=[^"]+)"', page)
        assert link
        log = (await person.ask("GET", link[1])).text
        assert log.count(f'href="/runs/{run["run_id"]}"') == 2


async def test_each_kind_of_step_is_drawn_in_order(platform: Platform, tmp_path: Path) -> None:
    async with api(platform, "steps") as client, signed_in(platform) as person:
        one = served.reference(await served.model(client, tmp_path, "one"))
        two = served.reference(await served.model(client, tmp_path, "two"))
        weights = [{"model": one, "weight": 3}, {"model": two, "weight": 1}]
        split = {"RandomSplit": {"hash_key": None, "weights": weights}}
        page = await drawn(client, person, split)
        assert re.findall(r'class="tag">(.*?)<', page) == ["75 %", "25 %"]
        routes = {"split_key": "region", "control": one, "routes": {"north": two}}
        page = await drawn(client, person, {"MetaValueSplit": routes})
        assert re.findall(r'class="tag">(.*?)<', page) == ["region = north", "otherwise"]
        both: list[dict[str, Any]] = [
            {"ModelInference": {"models": [one, two]}},
            {"MultiOut": {}},
        ]
        page = await drawn(client, person, *both)
        assert page.index("Each model answers") < page.index("The first model answers")


async def test_found_by_the_name_of_a_model_whatever_else_has_many_versions(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "search for pipelines") as client, signed_in(platform) as person:
        version = await served.model(client, tmp_path, "churn-trees")
        await served.pipeline(client, "first", served.step(version))
        other = await served.model(client, tmp_path, "another")
        await served.pipeline(client, "nothing-of-it", served.step(other))
        for _ in range(3):
            await served.pipeline(client, "second", served.step(version))
        path = f"/pipelines?workspace={client.workspace}&search=TREES"
        found = re.findall(r'class="name" [^>]*>(.*?)</a>', (await person.ask("GET", path)).text)
        assert found == ["second", "first"]
        model = await served.number_of(client, version)
        assert {"first", "second"} <= cells((await person.ask("GET", f"/models/{model}")).text)


async def drawn(client: Api, person: Person, *steps: dict[str, Any]) -> str:
    made = await served.pipeline(client, "drawn", *steps)
    return (await person.ask("GET", f"/pipelines/{made['pipeline_pk_id']}")).text


def test_a_deployment_is_seen_live_and_tried(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page

    async def prepared(client: Api) -> int:
        version = await served.model(client, tmp_path)
        made = await served.pipeline(client, "prices", served.step(version))
        return int(made["pipeline_pk_id"])

    page.goto(f"/pipelines/{visitor.do(prepared)}")
    page.get_by_role("link", name="Deploy", exact=True).click()
    page.get_by_role("button", name="Deploy").click()
    status = page.locator("[data-part='status']")
    expect(status).to_have_text("Running")
    visitor.shot("deployed")
    page.get_by_role("link", name="Try it").click()
    page.get_by_role("button", name="Infer").click()
    expect(page.locator("pre.answer")).to_contain_text('"variable": [0.1]')
    visitor.shot("tried")
    page.get_by_role("link", name="Steps").click()
    expect(page.locator("main[data-listening]")).to_be_visible()

    async def undeployed(client: Api) -> None:
        listed = await client.post("deployments/list", {"workspace_id": client.workspace})
        for one in listed["deployments"]:
            await client.post("pipelines/undeploy", {"deployment_id": one["id"]})

    visitor.do(undeployed)
    expect(status).to_have_text("Not deployed")
    expect(page.get_by_role("button", name="Undeploy")).to_have_count(0)
    expect(page.get_by_text("Address for requests")).to_have_count(0)


def test_for_everybody(visitor: Visitor, tmp_path: Path) -> None:
    """By axe in light and dark, on a narrow phone, and without scripts."""
    page = visitor.page

    async def filled(client: Api) -> dict[str, int]:
        version = await served.model(client, tmp_path)
        split = {"weights": [{"model": served.reference(version), "weight": 1}]}
        idle = await served.pipeline(client, "idle", {"RandomSplit": split})
        made = await served.pipeline(client, "prices", served.step(version))
        number = await served.deployed(client, "prices", made)
        await served.infer(client, "prices", number, {"tensor": [1e30 / 7] * 3})
        return {
            "model": await served.number_of(client, version),
            "pipeline": made["pipeline_pk_id"],
            "idle": idle["pipeline_pk_id"],
        }

    ids = visitor.do(filled)
    page.goto(f"/models?workspace={visitor.workspace}")
    plain = visitor.open(java_script_enabled=False)
    for path in (path.format(**ids) for path in PATHS):
        page.goto(path)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert serious(page) == [], f"{path} in {scheme}"
        page.set_viewport_size(NARROW)
        visitor.shot(path.replace("/", "-"))
        assert page.evaluate("document.documentElement.scrollWidth") == NARROW["width"], path
        page.set_viewport_size({"width": 1000, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 1000, path
        answer = plain.goto(path)
        assert answer is not None
        assert answer.status == 200, path
    plain.goto(PATHS[7].format(**ids))
    plain.get_by_role("button", name="Infer").click()
    expect(plain.locator("pre.answer")).to_contain_text('"variable": [0.1]')
