"""Models: uploaded by a form, shown with what they take and give, configured and deleted."""

import re
from pathlib import Path

import aiohttp
from playwright.sync_api import expect

from tests.dashboard import served
from tests.dashboard.people import Answer, Person, signed_in
from tests.dashboard.visitor import Visitor
from tests.inference.models import linear
from tests.platform import Api, Platform, api


async def test_an_upload_without_scripts_ends_on_the_page_of_its_version(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "uploads of models") as client, signed_in(platform) as person:
        path = linear(tmp_path / "small.onnx", width=3)
        answer = await upload(person, client, path.name, path.read_bytes())
        assert answer.status == 303
        page = (await person.ask("GET", answer.headers["Location"])).text
        assert "<h1>small</h1>" in page  # by the name of its file
        assert "Ready" in page
        assert cells(page) >= {"float_input", "any by 3", "variable", "any by 1"}
        assert "small" in (await person.ask("GET", "/models")).text


async def upload(person: Person, client: Api, name: str, content: bytes) -> Answer:
    """By the form on the list of models."""
    page = (await person.ask("GET", f"/models?workspace={client.workspace}")).text
    action, metadata = (
        found[1].replace("&amp;", "&").replace("&#34;", '"')
        for pattern in (r'action="(/models\?[^"]+)"', r'name="metadata" value="([^"]+)"')
        if (found := re.search(pattern, page))
    )
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("metadata", metadata)
    form.add_field("file", content, filename=name)
    return await person.ask("POST", action, data=form)


def cells(page: str) -> set[str]:
    return {re.sub(r"<[^>]+>", "", one).strip() for one in re.findall(r"<td[^>]*>(.*?)</td>", page)}


async def test_what_is_no_model_is_refused_with_the_reason(platform: Platform) -> None:
    async with api(platform, "uploads of models") as client, signed_in(platform) as person:
        answer = await upload(person, client, "broken.onnx", b"no model at all")
        assert answer.status == 400
        problem = re.search(r'role="alert" >(.*?)</p>', answer.text)
        assert problem
        assert "can&#39;t be loaded" in problem[1]


async def test_a_list_without_models_says_what_to_do(platform: Platform) -> None:
    async with api(platform, "no models") as client, signed_in(platform) as person:
        page = (await person.ask("GET", f"/models?workspace={client.workspace}")).text
        assert "No models yet" in page
        assert "Upload one here" in page
        found = (await person.ask("GET", "/models?search=nothing")).text
        assert "No model of this workspace fits" in found


async def test_found_by_a_part_of_its_name(platform: Platform, tmp_path: Path) -> None:
    async with api(platform, "search for models") as client, signed_in(platform) as person:
        await served.model(client, tmp_path, "churn")
        await served.model(client, tmp_path, "prices")
        page = (await person.ask("GET", f"/models?workspace={client.workspace}&search=CHU")).text
        assert ">churn<" in page
        assert ">prices<" not in page


async def test_columns_are_named_and_stay_when_they_are_refused(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "configs of models") as client, signed_in(platform) as person:
        version = await served.model(client, tmp_path)
        path = f"/models/{await served.number_of(client, version)}"
        configured = f"{path}/configure?version={version['id']}"
        assert (await person.send(configured, {"column": "features"})).status == 303
        page = (await person.ask("GET", path)).text
        assert "features" in cells(page)
        body = {"model_id": version["id"]}
        config = (await client.post("models/get_config_by_id", body))["model_config"]
        assert config["tensor_fields"] == ["features"]
        assert (await person.send(configured, {"column": " "})).status == 303
        config = (await client.post("models/get_config_by_id", body))["model_config"]
        assert config["tensor_fields"] is None


async def test_what_is_deployed_can_not_be_deleted_and_the_page_says_why(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "models in use") as client, signed_in(platform) as person:
        version = await served.model(client, tmp_path)
        path = f"/models/{await served.number_of(client, version)}"
        made = await served.pipeline(client, "prices", served.step(version))
        await served.deployed(client, "prices", made)
        page = (await person.ask("GET", path)).text
        assert {"prices", "This version"} <= cells(page)
        for way, fields in (("delete", {}), ("delete-version", {"version": str(version["id"])})):
            refused = await person.send(f"{path}/{way}", fields)
            assert refused.status == 409
            assert "undeploy it first" in refused.text
        await person.send(f"/pipelines/{made['pipeline_pk_id']}/undeploy")
        gone = await person.send(f"{path}/delete-version", {"version": str(version["id"])})
        assert gone.status == 303
        assert "No versions" in (await person.ask("GET", path)).text
        assert (await person.send(f"{path}/delete")).status == 303
        assert (await person.ask("GET", path)).status == 404


async def test_a_version_of_another_model_is_not_shown_on_its_page(
    platform: Platform, tmp_path: Path
) -> None:
    async with api(platform, "two models") as client, signed_in(platform) as person:
        version = await served.model(client, tmp_path, "one")
        other = await served.model(client, tmp_path, "other")
        path = f"/models/{await served.number_of(client, version)}"
        assert (await person.ask("GET", f"{path}?version={version['id']}")).status == 200
        assert (await person.ask("GET", f"{path}?version={other['id']}")).status == 404


def test_an_upload_with_a_name_and_then_another_version_is_seen_live(
    visitor: Visitor, tmp_path: Path
) -> None:
    page = visitor.page
    page.goto(f"/models?workspace={visitor.workspace}")
    page.get_by_text("Upload", exact=True).first.click()
    page.get_by_role("textbox", name="or that of the file").fill("house-price")
    page.get_by_label("ONNX file").set_input_files(linear(tmp_path / "file.onnx"))
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="house-price")).to_be_visible()
    expect(page.get_by_role("cell", name="float_input")).to_be_visible()
    expect(page.locator("main[data-listening]")).to_be_visible()
    versions = page.locator("[data-part='versions'] tbody tr")
    expect(versions).to_have_count(1)

    async def another(client: Api) -> None:
        await served.model(client, tmp_path)

    visitor.do(another)
    expect(versions).to_have_count(2)
    visitor.shot("model")
