from __future__ import annotations

import socket

import aiohttp
import pytest

from orchestrator.comfyui.answers import Absent, Finished, Pending, Running, Submitted
from orchestrator.comfyui.client import ComfyClient, SubmitUnknown, Timeouts
from orchestrator.errors import BackendRefused, BackendUnreachable
from tests.comfyui import graphs
from tests.comfyui.recorded import recorded_json
from tests.comfyui.stub import Stub, ended, queued

#: Long enough for a stub on this machine, short enough for a test.
IMPATIENT = Timeouts(connect=2, control=0.2, submit=0.2, stall=0.2, withdraw=0.3)
TAKEN = {"prompt_id": "p", "number": 4, "node_errors": {}}


@pytest.fixture
def client(session: aiohttp.ClientSession, stub: Stub) -> ComfyClient:
    """A client of the stub, called `gpu-1`."""
    return ComfyClient(session, stub.url, "gpu-1", IMPATIENT)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def submit(client: ComfyClient) -> Submitted:
    """A submission like any other."""
    return await client.submit(graphs.sd15(), "p", "our-client", {"job": "j"})


class TestSubmit:
    async def test_taken(self, client: ComfyClient, stub: Stub) -> None:
        """The body carries graph, ids and extra data, and never a `number`."""
        stub.say("POST /prompt", TAKEN)
        assert await submit(client) == Submitted("p", 4)
        assert stub.asked == [
            (
                "POST /prompt",
                {
                    "prompt": graphs.sd15(),
                    "prompt_id": "p",
                    "client_id": "our-client",
                    "extra_data": {"job": "j"},
                },
            )
        ]

    async def test_ids_are_never_empty(self, client: ComfyClient) -> None:
        """Without a client id frames go to everybody; without a prompt id nothing can be found."""
        with pytest.raises(ValueError, match="must not be empty"):
            await client.submit({}, "", "c", {})
        with pytest.raises(ValueError, match="must not be empty"):
            await client.submit({}, "p", "", {})

    async def test_an_invalid_graph_is_refused_for_good(
        self, client: ComfyClient, stub: Stub
    ) -> None:
        """ComfyUI's own answer is kept, and the reason names the faulty nodes."""
        stub.say("POST /prompt", recorded_json("refused.json"), 400)
        with pytest.raises(BackendRefused) as caught:
            await submit(client)
        error = caught.value
        assert (error.backend, error.status) == ("gpu-1", 400)
        assert "node 1: Value 0 smaller than min of 1: batch_size" in error.reason
        assert error.answer == recorded_json("refused.json")

    @pytest.mark.parametrize("status", [413, 403])
    async def test_too_large_and_forbidden_are_refused_for_good(
        self, client: ComfyClient, stub: Stub, status: int
    ) -> None:
        """Their bodies are plain text or empty."""
        stub.say("POST /prompt", b"Maximum request body size exceeded", status)
        with pytest.raises(BackendRefused) as caught:
            await submit(client)
        assert (caught.value.status, caught.value.answer) == (
            status,
            "Maximum request body size exceeded",
        )

    @pytest.mark.parametrize("status", [500, 502, 504, 408])
    async def test_a_server_error_is_unknown(
        self, client: ComfyClient, stub: Stub, status: int
    ) -> None:
        """ComfyUI queues some prompts that it answers with 500 (transcript r6)."""
        stub.say("POST /prompt", b"500 Internal Server Error", status)
        with pytest.raises(SubmitUnknown) as caught:
            await submit(client)
        assert caught.value.prompt_id == "p"

    async def test_no_answer_is_unknown(self, client: ComfyClient, stub: Stub) -> None:
        """A hung server runs what it was sent when it wakes up (transcript r7)."""
        stub.sleep("POST /prompt")
        with pytest.raises(SubmitUnknown) as caught:
            await submit(client)
        assert caught.value.reason == "timed out"

    async def test_a_dropped_connection_is_unknown(
        self, session: aiohttp.ClientSession, stub: Stub
    ) -> None:
        """The prompt may have been queued before the drop. It is not sent a second time."""
        stub.hang_up("POST /prompt")
        with pytest.raises(SubmitUnknown):
            await submit(ComfyClient(session, stub.url, "gpu-1"))
        assert stub.calls() == ["POST /prompt"]

    @pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"prompt_id": "p"}'])
    async def test_an_unreadable_answer_is_unknown(
        self, client: ComfyClient, stub: Stub, body: bytes
    ) -> None:
        """It said 200, so it may well be queued."""
        stub.say("POST /prompt", body)
        with pytest.raises(SubmitUnknown):
            await submit(client)

    async def test_a_refused_connection_is_safe_to_try_elsewhere(
        self, session: aiohttp.ClientSession
    ) -> None:
        """Nothing was sent, so nothing can run."""
        client = ComfyClient(session, f"http://127.0.0.1:{free_port()}", "gpu-1", IMPATIENT)
        with pytest.raises(BackendUnreachable) as caught:
            await submit(client)
        assert caught.value.backend == "gpu-1"

    @pytest.mark.parametrize("status", [301, 401, 404, 405])
    async def test_a_server_that_is_not_comfyui_is_unreachable(
        self, client: ComfyClient, stub: Stub, status: int
    ) -> None:
        """Nothing was queued; the job is not to blame. Redirects are not followed."""
        stub.say("POST /prompt", b"", status)
        with pytest.raises(BackendUnreachable) as caught:
            await submit(client)
        assert str(status) in caught.value.reason

    async def test_a_partial_acceptance_is_withdrawn_and_refused(
        self, client: ComfyClient, stub: Stub
    ) -> None:
        """ComfyUI takes the valid outputs and would call that a success (transcript s05)."""
        stub.queue["queue_running"] = [queued("p")]

        async def let_go(_: aiohttp.web.Request) -> aiohttp.web.Response:
            stub.queue["queue_running"] = []
            return aiohttp.web.Response()

        stub.on("POST /interrupt", let_go)
        stub.say("POST /prompt", {**recorded_json("partial.json"), "prompt_id": "p"})
        with pytest.raises(BackendRefused) as caught:
            await submit(client)
        assert (caught.value.status, "node 8" in caught.value.reason) == (200, True)
        assert ("POST /interrupt", {"prompt_id": "p"}) in stub.asked
        assert stub.calls()[-2:] == ["GET /queue", "GET /history/p"]

    async def test_a_partial_acceptance_that_will_not_go_is_refused_all_the_same(
        self, client: ComfyClient, stub: Stub
    ) -> None:
        """A node that does not look up can hold it for minutes; it has been told to end."""
        stub.queue["queue_running"] = [queued("p")]
        stub.say("POST /prompt", {**recorded_json("partial.json"), "prompt_id": "p"})
        with pytest.raises(BackendRefused):
            await submit(client)
        assert stub.calls().count("POST /interrupt") > 1

    async def test_a_partial_acceptance_that_cannot_be_withdrawn_is_unknown(
        self, client: ComfyClient, stub: Stub
    ) -> None:
        """It may be running, so the caller must look."""
        stub.say("GET /queue", b"", 500)
        stub.say("POST /prompt", {**recorded_json("partial.json"), "prompt_id": "p"})
        with pytest.raises(SubmitUnknown):
            await submit(client)

    async def test_a_server_that_ignores_our_prompt_id_is_refused(
        self, client: ComfyClient, stub: Stub
    ) -> None:
        """Old versions choose their own; we could never find the job again."""
        stub.queue["queue_pending"] = [queued("theirs")]

        async def delete(_: aiohttp.web.Request) -> aiohttp.web.Response:
            stub.queue["queue_pending"] = []
            return aiohttp.web.Response()

        stub.on("POST /queue", delete)
        stub.say("POST /prompt", {**TAKEN, "prompt_id": "theirs"})
        with pytest.raises(BackendRefused) as caught:
            await submit(client)
        assert "too old" in caught.value.reason
        assert ("POST /queue", {"delete": ["theirs"]}) in stub.asked


class TestLocate:
    async def test_the_queue_is_read_before_the_history(
        self, client: ComfyClient, stub: Stub
    ) -> None:
        """The other way round, a prompt that ends in between would be seen in neither."""
        assert await client.locate("p") == Absent()
        assert stub.calls() == ["GET /queue", "GET /history/p"]

    async def test_running(self, client: ComfyClient, stub: Stub) -> None:
        """Seen in the queue; the history is not asked."""
        stub.queue["queue_running"] = [queued("p")]
        place = await client.locate("p")
        assert isinstance(place, Running)
        assert place.item.extra_data == {"client_id": "c"}
        assert stub.calls() == ["GET /queue"]

    async def test_pending_counts_those_ahead(self, client: ComfyClient, stub: Stub) -> None:
        """In run order, which is not the order of the answer."""
        stub.queue["queue_running"] = [queued("r")]
        stub.queue["queue_pending"] = [queued("b", 2), queued("p", 3), queued("a", 2)]
        place = await client.locate("p")
        assert isinstance(place, Pending)
        assert place.ahead == 3

    async def test_finished(self, client: ComfyClient, stub: Stub) -> None:
        """With its entry."""
        stub.history["p"] = ended("p")
        place = await client.locate("p")
        assert isinstance(place, Finished)
        assert place.entry.status == "success"

    async def test_a_failing_request_is_not_absence(self, client: ComfyClient, stub: Stub) -> None:
        """Unreachable is a state of the host, not of the job."""
        stub.say("GET /history/p", b"", 500)
        with pytest.raises(BackendUnreachable):
            await client.locate("p")

    async def test_a_recorded_queue_is_sorted(self, client: ComfyClient, stub: Stub) -> None:
        """Heap order in, run order out; explicit numbers are floats."""
        stub.queue = recorded_json("queue.json")
        view = await client.queue()
        numbers = [item.number for item in view.pending]
        assert numbers == sorted(numbers)
        assert len(numbers) > 3
        assert view.running[0].outputs == ("4",)

    async def test_odd_ids_are_encoded(self, client: ComfyClient, stub: Stub) -> None:
        """A prompt id of another client may hold anything."""
        stub.history["a/b?c"] = ended("a/b?c")
        assert await client.history("a/b?c") is not None
        assert stub.calls() == ["GET /history/a%2Fb%3Fc"]


class TestWithdraw:
    async def test_a_pending_prompt_is_deleted(self, client: ComfyClient, stub: Stub) -> None:
        """By its id; never with `clear`, which would hit everybody's."""
        stub.queue["queue_pending"] = [queued("p"), queued("other")]
        assert isinstance(await client.withdraw("p"), Pending)
        assert stub.asked[-1] == ("POST /queue", {"delete": ["p"]})

    async def test_a_running_prompt_is_interrupted(self, client: ComfyClient, stub: Stub) -> None:
        """By its id; without one, ComfyUI would stop whatever runs."""
        stub.queue["queue_running"] = [queued("p")]
        assert isinstance(await client.withdraw("p"), Running)
        assert stub.asked[-1] == ("POST /interrupt", {"prompt_id": "p"})

    async def test_a_prompt_that_has_ended_is_left_alone(
        self, client: ComfyClient, stub: Stub
    ) -> None:
        """The cancel lost against the end; the caller accepts either."""
        stub.queue["queue_running"] = [queued("other")]
        stub.history["p"] = ended("p")
        assert isinstance(await client.withdraw("p"), Finished)
        assert all(call.startswith("GET") for call in stub.calls())

    async def test_without_an_id_nothing_is_asked(self, client: ComfyClient, stub: Stub) -> None:
        """An empty id is a mistake of ours that would cost others their work."""
        for call in (client.interrupt, client.withdraw):
            with pytest.raises(ValueError, match="prompt_id"):
                await call("")
        await client.delete_pending([])
        await client.forget([])
        assert stub.asked == []


class TestOtherCalls:
    async def test_system_stats(self, client: ComfyClient, stub: Stub) -> None:
        """As recorded; a CPU has no index."""
        stub.say("GET /system_stats", recorded_json("system_stats.json"))
        stats = await client.system_stats()
        (device,) = stats.devices
        assert (stats.version, stats.os, stats.ram_total) == ("0.3.75", "posix", 25276518400)
        assert (device.name, device.index, device.vram_total) == ("cpu", None, 25276518400)

    async def test_free_and_forget(self, client: ComfyClient, stub: Stub) -> None:
        """An empty body to /free would be a 500."""
        await client.free(unload_models=False)
        await client.forget(["p"])
        assert stub.asked == [
            ("POST /free", {"unload_models": False, "free_memory": True}),
            ("POST /history", {"delete": ["p"]}),
        ]

    async def test_object_info(self, client: ComfyClient, stub: Stub) -> None:
        """Of all classes, or of one; names are encoded."""
        stub.say("GET /object_info/A%2FB", {"A/B": {}})
        stub.say("GET /object_info", {"A/B": {}, "C": {}})
        assert await client.object_info("A/B") == {"A/B": {}}
        assert set(await client.object_info()) == {"A/B", "C"}

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>", b"[]", b"null", b"5", b'{"queue_running": []}', b'{"queue_running": 1}'],
    )
    async def test_a_strange_answer_is_unreachable(
        self, client: ComfyClient, stub: Stub, body: bytes
    ) -> None:
        """Something else listens there, or a proxy answers for it."""
        stub.say("GET /queue", body)
        with pytest.raises(BackendUnreachable) as caught:
            await client.queue()
        assert "GET /queue" in caught.value.reason

    @pytest.mark.parametrize("how", ["sleep", "hang_up"])
    async def test_no_answer_is_unreachable(
        self, client: ComfyClient, stub: Stub, how: str
    ) -> None:
        """Time-outs and drops alike, with the backend's name."""
        getattr(stub, how)("GET /system_stats")
        with pytest.raises(BackendUnreachable) as caught:
            await client.system_stats()
        assert caught.value.backend == "gpu-1"

    @pytest.mark.parametrize(
        "url", ["nonsense", "http://", "ftp://127.0.0.1", "http://gpu:port", "http://gpu?x=1", ""]
    )
    async def test_a_wrong_address_is_refused_at_once(
        self, session: aiohttp.ClientSession, url: str
    ) -> None:
        """A typing error in the configuration is told at the start, not at the first job."""
        with pytest.raises(ValueError, match=r"address|URL"):
            ComfyClient(session, url, "gpu-1", IMPATIENT)

    async def test_a_backend_behind_a_path(
        self, session: aiohttp.ClientSession, stub: Stub
    ) -> None:
        """A proxy may serve several backends under one name."""
        client = ComfyClient(session, f"{stub.url}/gpu1/", "gpu-1", IMPATIENT)
        stub.say("GET /gpu1/queue", {"queue_running": [], "queue_pending": []})
        assert (await client.queue()).running == ()
