"""A tab of a browser with the frontend in it."""

from __future__ import annotations

import pytest

from tests.http.frontend.page import Page
from tests.http.studio import Service


@pytest.fixture
def page(service: Service) -> Page:
    """The frontend, on a service without backends."""
    return Page(service)
