"""Dashboards and alert rules speak of metrics that a running platform really has."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.platform import SERVICES, Platform, api, running

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "rondo.json").read_text())
RULES = yaml.safe_load((ROOT / "deploy" / "prometheus" / "rules.yml").read_text())
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()

_METRIC = re.compile(r"\b((?:rondo|process)_[a-z_]+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')

# By metric, the values that each of its labels has been seen with.
Scrape = dict[str, dict[str, set[str]]]


def panels() -> list[dict[str, Any]]:
    return [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def expressions() -> dict[str, str]:
    """By where it stands."""
    found = {rule["alert"]: rule["expr"] for rule in rules()}
    for panel in panels():
        for target in panel["targets"]:
            found[f"{panel['title']} {target['refId']}"] = target["expr"]
    return found


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with running(Platform(tmp_path_factory.mktemp("monitored"))) as found:
        yield found


async def scraped(platform: Platform) -> Scrape:
    """All services, after something of each kind has happened."""
    async with api(platform, "monitored") as client:
        orchestration = await client.ready({"main.py": "print('seen')"})
        await client.ended(await client.run(orchestration))
        texts = []
        for path in ("/metrics", *(f"/metrics/{one}" for one in set(SERVICES) - {"api"})):
            async with client.session.get(path) as answer:
                assert answer.status == 200, path
                texts.append(await answer.text())
    found: Scrape = defaultdict(lambda: defaultdict(set))
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = found[sample.name]
                for name, value in sample.labels.items():
                    labels[name].add(value)
    return found


async def test_every_metric_that_is_named_is_there_with_its_labels(platform: Platform) -> None:
    found = await scraped(platform)
    missing = []
    for place, expression in expressions().items():
        assert _METRIC.search(expression) or "up{" in expression, place
        for name, matchers in _METRIC.findall(expression):
            if name not in found:
                missing.append(f"{place}: {name}")
            for label, operator, value in _MATCHER.findall(matchers):
                known = found[name].get(label, set())
                if label != "job" and (not known or (operator == "=" and value not in known)):
                    missing.append(f"{place}: {name}{{{label}{operator}{value!r}}}: {known}")
    assert missing == []


async def test_labels_never_hold_ids(platform: Platform) -> None:
    found = await scraped(platform)
    values = {value for labels in found.values() for some in labels.values() for value in some}
    uuid = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")
    assert [value for value in values if uuid.search(value)] == []


def test_rules_are_whole_and_explained() -> None:
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}, rule["alert"]
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert f"### {rule['alert']}\n" in OPERATIONS, f"docs say nothing of {rule['alert']}"
    assert len({rule["alert"] for rule in rules()}) == len(rules())


@pytest.mark.parametrize("place", list(expressions()))
def test_expressions_are_balanced(place: str) -> None:
    expression = expressions()[place]
    without_texts = re.sub(r'"[^"]*"', "", expression)
    opened: list[str] = []
    for mark in re.findall(r"[(){}\[\]]", without_texts):
        if mark in "({[":
            opened.append(mark)
        else:
            assert opened, expression
            assert opened.pop() + mark in ("()", "{}", "[]"), expression
    assert opened == []
    assert without_texts.count('"') == 0


def test_panels_lie_beside_each_other() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: dict[tuple[int, int], str] = {}
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for x in range(at["x"], at["x"] + at["w"]):
            for y in range(at["y"], at["y"] + at["h"]):
                assert (x, y) not in taken, (panel["title"], taken[(x, y)])
                taken[(x, y)] = panel["title"]
