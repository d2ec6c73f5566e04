"""docs/operations.md, its part about metrics: every figure stands there, and is there."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.docs.pages import Page
from tests.http.studio import Service, Studio
from tests.metrics.test_endpoint import scrape

PAGE = Page.of("operations.md")
#: Name, kind and labels, as in the table.
ROWS = re.findall(r"^\| `(orchestrator_\w+)` \| (\w+) \| ([\w, ]*?) ?\|", PAGE.text, re.MULTILINE)


@pytest.fixture
async def service(studio: Studio) -> Service:
    """The service."""
    return await studio.host()


async def test_every_figure_has_a_row(service: Service) -> None:
    """With its kind; and every row a figure."""
    await scrape(service)
    found = {
        (f"{name}_total" if metric.type == "counter" else name): metric.type
        for name, metric in (await scrape(service)).items()
        if name.startswith("orchestrator_")
    }

    assert {name: kind for name, kind, _ in ROWS} == found


async def test_its_labels(service: Service) -> None:
    """As far as there is anything to count."""
    told = {name: {*filter(None, labels.split(", "))} for name, _, labels in ROWS}
    await scrape(service)
    for name, metric in (await scrape(service)).items():
        for sample in metric.samples:
            if name.startswith("orchestrator_"):
                known = told.get(name) or told.get(f"{name}_total") or set()
                assert set(sample.labels) - {"le"} == known, name


def test_the_printed_files_are_whole() -> None:
    """As far as YAML goes; and every figure that they speak of exists."""
    blocks = [block for block in PAGE.blocks("yaml") if "orchestrator" in block]
    assert len(blocks) == 2
    for block in blocks:
        assert yaml.safe_load(block)
    names = {re.sub("_bucket$", "", name) for name in re.findall(r"orchestrator_\w+", blocks[1])}
    assert names <= {name for name, _, _ in ROWS}
