"""docs/operations.md, its part about webhooks: what it says is what is sent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest

from orchestrator.config import load_config
from orchestrator.webhooks.message import headers_of
from tests.docs.pages import Page, same_shape
from tests.webhooks.desk import Office
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_service import config

PAGE = Page.of("operations.md")
SECRET = "a secret of sixteen letters"
BODY = b'{"event":"job.failed"}'


@pytest.fixture
def is_genuine() -> Callable[[str, Mapping[str, str], bytes], bool]:
    """The program on the page."""
    (program,) = PAGE.blocks("python")
    found: dict[str, Any] = {}
    exec(program, found)  # it is what people are told to run
    checked: Callable[[str, Mapping[str, str], bytes], bool] = found["is_genuine"]
    return checked


Check = Callable[[str, Mapping[str, str], bytes], bool]


def sent(at: float) -> Mapping[str, str]:
    """The headers of a message that was sent at a time."""
    return headers_of(BODY, event="job.failed", delivery="d", at=at, secret=SECRET)


class TestTheProgram:
    def test_it_takes_our_messages(self, is_genuine: Check) -> None:
        """With the right secret."""
        assert is_genuine(SECRET, sent(time.time()), BODY)

    def test_it_refuses_others(self, is_genuine: Check) -> None:
        """Another secret, another body, another time."""
        headers = sent(time.time())

        assert not is_genuine("another secret, as long", headers, BODY)
        assert not is_genuine(SECRET, headers, BODY + b" ")
        assert not is_genuine(SECRET, {**headers, "X-Orchestrator-Timestamp": "1"}, BODY)

    def test_it_refuses_old_ones(self, is_genuine: Check) -> None:
        """Though they are from us."""
        assert not is_genuine(SECRET, sent(time.time() - 600), BODY)

    def test_it_is_short(self) -> None:
        """Six lines."""
        (program,) = PAGE.blocks("python")
        assert len([line for line in program.splitlines() if line]) == 6


async def test_the_message_is_as_printed(office: Office, receiver: Receiver) -> None:
    """Every field, in its order."""
    desk = await office.desk(config(receiver))
    await desk.succeed("job-1", receiver.url())
    (message,) = await receiver.has(1)
    (printed,) = PAGE.blocks("json")

    same_shape(orjson.loads(printed), message.plain)


async def test_the_headers_are_as_printed(office: Office, receiver: Receiver) -> None:
    """All of ours stand in the table, and no others."""
    desk = await office.desk(config(receiver))
    await desk.fail("job-1", receiver.url())
    (message,) = await receiver.has(1)
    ours = {name for name in message.headers if name.startswith("X-")}

    assert ours == {name for name in ours if f"| `{name}` |" in PAGE.text}
    assert PAGE.text.count("| `X-Orchestrator-") == len(ours) == 4


def test_the_configuration_is_valid(tmp_path: Any) -> None:
    """As printed."""
    (text,) = [block for block in PAGE.blocks("yaml") if block.startswith("webhooks:")]
    file = tmp_path / "config.yaml"
    file.write_text(text)

    (webhook,) = load_config(file, {}).webhooks
    assert webhook.events == ("failed",)
