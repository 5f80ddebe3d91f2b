"""compose.yaml: the right form, and each service gets what its configuration asks for."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from libs.service.config import PREFIX, Config, load
from tests.deploy.compose import ROOT, Missing, filled, granted, read

REQUIRED = {"RONDO_PUBLIC_URL": "https://rondo.example.com", "RONDO_ADMIN_EMAIL": "a@example.com"}
OURS = sorted(path.parent.name for path in (ROOT / "services").glob("*/__main__.py"))


@pytest.fixture
def compose() -> Any:
    return filled(read(), REQUIRED)


def config_of(name: str) -> type[Config]:
    """The one configuration struct of a service."""
    module = importlib.import_module(f"services.{name}.config")
    own = [
        kind
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Config)
        and kind.__module__ == module.__name__
    ]
    assert len(own) == 1
    return own[0]


def test_it_has_the_form_of_a_compose_file() -> None:
    schema = json.loads((ROOT / "tests/deploy/compose-spec/compose-spec.json").read_text())
    assert list(Draft202012Validator(schema).iter_errors(read())) == []


@pytest.mark.parametrize("name", REQUIRED)
def test_it_does_not_start_without(name: str) -> None:
    with pytest.raises(Missing, match=name):
        filled(read(), {key: value for key, value in REQUIRED.items() if key != name})


def test_it_runs_every_service(compose: Any) -> None:
    ours = {name: it for name, it in compose["services"].items() if "build" in it}
    assert sorted(ours) == OURS
    for name, service in ours.items():
        assert service["command"] == ["python", "-P", "-m", f"services.{name}"]
        assert service["cap_drop"] == ["ALL"]
        assert ("user" in service) == ("cap_add" in service) == (name in ("executor", "inference"))


@pytest.mark.parametrize("name", OURS)
def test_a_service_gets_what_it_asks_for(name: str, compose: Any, secrets: Path) -> None:
    service = compose["services"][name]
    files = {path: compose["secrets"][it]["file"] for path, it in granted(service).items()}
    environment = {
        key: str(secrets / Path(files[value]).name) if key.endswith("_FILE") else str(value)
        for key, value in service["environment"].items()
    }
    kind = config_of(name)
    load(kind, environment)

    known = {PREFIX + field.name.upper() for field in msgspec.structs.fields(kind)}
    told = {key.removesuffix("_FILE") for key in environment if key.startswith(PREFIX)}
    assert told <= known


def test_each_secret_is_made_granted_and_used(compose: Any, secrets: Path) -> None:
    made = {it.name for it in secrets.iterdir()}
    assert {Path(it["file"]).name for it in compose["secrets"].values()} == made
    grants = [granted(service) for service in compose["services"].values()]
    assert {name for grant in grants for name in grant.values()} == set(compose["secrets"])
    for service, grant in zip(compose["services"].values(), grants, strict=True):
        text = json.dumps({key: service.get(key) for key in ("command", "environment")})
        named = set(re.findall(r"/run/secrets/\w+", text))
        assert named == {path for path in grant if path.startswith("/run/secrets/")}


def test_no_secret_stands_in_the_file(compose: Any) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|KEY|CREDENTIALS", name):
                assert value.startswith("/run/secrets/"), name


def test_only_the_api_is_published_and_on_loopback(compose: Any) -> None:
    published = {name: it["ports"] for name, it in compose["services"].items() if "ports" in it}
    assert published == {"api": ["127.0.0.1:8080:8000"]}


def test_environments_lie_at_the_same_path(compose: Any) -> None:
    for name in ("packager", "executor"):
        service = compose["services"][name]
        path = service["environment"]["RONDO_ENVIRONMENTS"]
        mounted = [it.split(":") for it in service["volumes"] if ":" in it]
        assert [it[:2] for it in mounted] == [["environments", path]]


@pytest.mark.parametrize("name", ["api", "packager", "executor"])
def test_addresses_name_services_of_the_file(name: str, compose: Any) -> None:
    environment = compose["services"][name]["environment"]
    hosts = re.findall(r"(?:nats://|http://|@)([a-z0-9]+):\d+", json.dumps(environment))
    assert set(hosts) <= set(compose["services"])
