"""Faults on request: each option of `Behaviour`, and each way to die."""

from __future__ import annotations

import asyncio
import heapq
from pathlib import Path

import aiohttp
import pytest

from tools.simulator import Behaviour, BehaviourError, Simulator

from .graphs import ended, fast, finish, get, is_running, node, post, sleeper, text_to_image, until
from .replay import Client


class TestHang:
    """A server that stands still: transcript r7."""

    async def test_requests_are_taken_and_not_answered(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Connections open, nothing is answered until it goes on."""
        sim.hang()
        asking = asyncio.create_task(get(session, sim, "/queue"))
        done, _ = await asyncio.wait([asking], timeout=0.1)
        assert not done
        sim.release()
        assert await asking == {"queue_running": [], "queue_pending": []}

    async def test_abandoned_post_still_runs_afterwards(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The ghost POST: its client gave up, and it is queued all the same."""
        sim.hang()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await post(session, sim, fast(), prompt_id="ghost", client_id="a")
        sim.release()
        entry = await ended(session, sim, "ghost")
        assert entry["status"]["status_str"] == "success"

    async def test_socket_stays_open_and_silent(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Neither frames nor pongs come, and a new socket is not joined."""
        client = await Client.join(session, f"{sim.url}/ws?clientId=a")
        told = await post(session, sim, sleeper(3), client_id="a")
        await client.until(lambda frames: any(f["type"] == "progress" for f in frames))
        sim.hang()
        await asyncio.sleep(0.05)
        before = len(client.frames)
        await asyncio.sleep(0.1)
        assert len(client.frames) == before
        assert not client.socket.closed
        sim.release()
        await ended(session, sim, told["prompt_id"])
        await client.close()

    async def test_stopping_a_hanging_simulator_ends(self, tmp_path: Path) -> None:
        """Held requests do not keep it from stopping."""
        async with aiohttp.ClientSession() as session:
            async with Simulator(folder=tmp_path) as sim:
                sim.hang()
                asking = asyncio.create_task(get(session, sim, "/queue"))
                await asyncio.sleep(0.05)
            with pytest.raises(aiohttp.ClientConnectionError):
                await asking


class TestDeath:
    """Crashes, restarts, and a worker that ends."""

    async def test_lost_memory_is_a_new_server_on_the_same_port(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Numbers start at 0, the sockets end with 1006, and the cache is cold."""
        await finish(session, sim, fast(), prompt_id="done")
        client = await Client.join(session, f"{sim.url}/ws?clientId=a")
        await post(session, sim, sleeper(600), prompt_id="running")
        await post(session, sim, fast(), prompt_id="waiting")
        await is_running(sim, "running")
        url = sim.url
        await sim.lose_memory()
        assert await client.ended() == 1006
        assert sim.url == url
        assert await get(session, sim, "/history") == {}
        assert await get(session, sim, "/prompt") == {"exec_info": {"queue_remaining": 0}}
        told = await post(session, sim, fast(), client_id="a")
        assert told["number"] == 0
        entry = await ended(session, sim, told["prompt_id"])
        assert entry["outputs"]["2"]["images"][0]["filename"] == "fast_00002_.png"
        assert sim.started == ["done", "running", told["prompt_id"]]

    async def test_refused_connections_leave_the_worker_at_work(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Nobody can connect, and what was queued runs meanwhile."""
        await post(session, sim, sleeper(1), prompt_id="p")
        await sim.refuse()
        with pytest.raises(aiohttp.ClientConnectionError):
            await get(session, sim, "/queue")
        await sim.accept()
        assert (await ended(session, sim, "p"))["status"]["completed"]

    async def test_crash_in_a_node_comes_back_after_a_while(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """`restart_after` is the supervisor that starts the server again."""
        sim.behaviour.restart_after = 0.0
        graph = {
            "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
            "2": node("TestCrash", image=["1", 0], after=0.0),
            "3": node("SaveImage", images=["2", 0], filename_prefix="never"),
        }
        first = sim.memory
        await post(session, sim, graph)
        await until(lambda: sim.memory is not first and sim.state()["listening"])
        async with aiohttp.ClientSession() as fresh:
            assert (await finish(fresh, sim, fast()))["status"]["completed"]

    async def test_killed_worker_leaves_http_healthy(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """POST still answers 200, the running prompt stays running for ever."""
        await post(session, sim, sleeper(600), prompt_id="running")
        await is_running(sim, "running")
        sim.kill_worker()
        await post(session, sim, fast(), prompt_id="waiting")
        await asyncio.sleep(0.05)
        queue = await get(session, sim, "/queue")
        assert [item[1] for item in queue["queue_running"]] == ["running"]
        assert [item[1] for item in queue["queue_pending"]] == ["waiting"]
        assert sim.started == ["running"]
        await sim.lose_memory()
        assert (await finish(session, sim, fast()))["status"]["completed"]

    async def test_dropped_sockets_end_with_1006(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Only WebSockets are cut; HTTP goes on."""
        client = await Client.join(session, f"{sim.url}/ws?clientId=a")
        await client.until(lambda frames: len(frames) == 1)
        assert sim.drop_sockets() == 1
        assert await client.ended() == 1006
        await get(session, sim, "/queue")


class TestFailing:
    """Prompts that end badly, and answers that do not come."""

    async def test_next_prompts_fail_with_out_of_memory(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """`fail_next` counts prompts; the sampler is where they fail, even if all is cached."""
        sim.behaviour.models = True
        await finish(session, sim, text_to_image())
        sim.behaviour.fail_next = 2
        entries = [await finish(session, sim, text_to_image(seed=s)) for s in (1, 2, 3)]
        assert [e["status"]["status_str"] for e in entries] == ["error", "error", "success"]
        kind, error = entries[1]["status"]["messages"][-1]
        assert kind == "execution_error"
        assert error["node_type"] == "KSampler"
        assert error["exception_type"] == "torch.OutOfMemoryError"

    async def test_share_of_failures_depends_on_the_seed_only(
        self, tmp_path: Path, session: aiohttp.ClientSession
    ) -> None:
        """The same seed gives the same failures again."""

        async def endings(seed: int) -> list[str]:
            behaviour = Behaviour(fail_fraction=0.5, seed=seed)
            async with Simulator(behaviour, folder=tmp_path / str(seed)) as sim:
                entries = [await finish(session, sim, fast(color)) for color in range(12)]
            return [entry["status"]["status_str"] for entry in entries]

        once, again = await endings(7), await endings(7)
        assert once == again
        assert set(once) == {"success", "error"}

    async def test_history_may_come_after_the_success_frame(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The race of s16: the frame is there, the entry is not yet."""
        sim.behaviour.history_delay = 0.3
        client = await Client.join(session, f"{sim.url}/ws?clientId=a")
        await post(session, sim, fast(), prompt_id="p", client_id="a")
        await client.until(lambda _: bool(client.of("execution_success")))
        assert await get(session, sim, "/history/p") == {}
        assert [i[1] for i in (await get(session, sim, "/queue"))["queue_running"]] == ["p"]
        await ended(session, sim, "p")
        await client.close()

    async def test_interrupt_right_after_the_start_is_lost(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The flag is cleared when the run begins: the prompt goes on to its end (s22)."""
        sim.behaviour.interrupt_ignored_at_start = 0.2
        await post(session, sim, sleeper(1), prompt_id="p")
        await until(lambda: sim.memory.queue.is_running("p"))
        async with session.post(f"{sim.url}/interrupt", json={"prompt_id": "p"}) as answer:
            assert answer.status == 200
        assert (await ended(session, sim, "p"))["status"]["status_str"] == "success"

    async def test_lost_answer_is_a_prompt_that_runs(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The connection is cut after the prompt was queued."""
        sim.behaviour.lose_prompt_answers = 1
        with pytest.raises(aiohttp.ClientConnectionError):
            await post(session, sim, fast(), prompt_id="p")
        assert (await ended(session, sim, "p"))["status"]["completed"]
        await finish(session, sim, fast())

    async def test_equal_number_and_id_is_a_500_that_is_queued(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The heap compares the graphs and fails, after it has taken the prompt in (r6)."""
        await post(session, sim, sleeper(600), prompt_id="running")
        await is_running(sim, "running")
        await post(session, sim, fast(), prompt_id="x", number=7)
        body = {"prompt": fast(1), "prompt_id": "x", "number": 7}
        async with session.post(f"{sim.url}/prompt", json=body) as answer:
            assert answer.status == 500
        queue = await get(session, sim, "/queue")
        assert [item[:2] for item in queue["queue_pending"]] == [[7.0, "x"], [7.0, "x"]]

    async def test_pending_prompts_stand_in_heap_order(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Whoever wants the order of running must sort by number and id."""
        await post(session, sim, sleeper(600), prompt_id="running")
        await is_running(sim, "running")
        numbers = [5.0, 3.0, 9.0, 1.0, 2.0]
        heap: list[float] = []
        for number in numbers:
            await post(session, sim, fast(), number=number)
            heapq.heappush(heap, number)
        queue = await get(session, sim, "/queue")
        assert [item[0] for item in queue["queue_pending"]] == heap
        assert heap != sorted(heap)


class TestFiles:
    """GET /view that goes wrong."""

    @pytest.mark.parametrize("fault", ["empty", "truncated", "garbage", "error"])
    async def test_view_answers_wrongly_once(
        self, sim: Simulator, session: aiohttp.ClientSession, fault: str
    ) -> None:
        """A faulty answer is followed by a right one when only one is asked for."""
        await finish(session, sim, fast())
        content = (sim.store.root / "output" / "fast_00001_.png").read_bytes()
        sim.behaviour.change({"view_fault": fault, "view_fault_next": 1})
        bodies, statuses = [], []
        for _ in range(2):
            async with session.get(f"{sim.url}/view?filename=fast_00001_.png") as answer:
                statuses.append(answer.status)
                bodies.append(await answer.read())
        assert statuses == [500 if fault == "error" else 200, 200]
        assert bodies[0] != content
        assert bodies[1] == content

    async def test_short_answer_is_cut_off(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """All bytes are announced, half of them come."""
        await finish(session, sim, fast())
        sim.behaviour.view_fault = "short"
        with pytest.raises(aiohttp.ClientPayloadError):
            async with session.get(f"{sim.url}/view?filename=fast_00001_.png") as answer:
                await answer.read()

    async def test_prefix_with_folders_makes_them(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Numbers go on after the highest one on disk, whatever is missing below it."""
        for color in range(3):
            await finish(session, sim, fast(color, "a/b/shot"))
        assert await sim.delete_output("shot_00001_.png", "a/b")
        assert not await sim.delete_output("../../input", "a/b")
        entry = await finish(session, sim, fast(9, "a/b/shot"))
        (image,) = entry["outputs"]["2"]["images"]
        assert image == {"filename": "shot_00004_.png", "subfolder": "a/b", "type": "output"}


class TestOptions:
    """`Behaviour` itself."""

    def test_wrong_values_change_nothing(self) -> None:
        """Either all options of a change are taken, or none."""
        behaviour = Behaviour()
        with pytest.raises(BehaviourError):
            behaviour.change({"pace": 2.0, "fail_fraction": 1.5})
        with pytest.raises(BehaviourError):
            behaviour.change({"no_such_option": 1})
        assert behaviour == Behaviour()

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("pace", -1),
            ("pace", True),
            ("fail_next", 1.5),
            ("mute_bug", "yes"),
            ("view_fault", "odd"),
        ],
    )
    def test_values_of_the_wrong_kind_are_refused(self, name: str, value: object) -> None:
        """The error names the option."""
        with pytest.raises(BehaviourError, match=name):
            Behaviour().change({name: value})

    async def test_slow_sampler_can_be_interrupted_between_its_steps(
        self, tmp_path: Path, session: aiohttp.ClientSession
    ) -> None:
        """`seconds_per_step` gives a client time to act."""
        async with Simulator(Behaviour(seconds_per_step=0.01), folder=tmp_path) as sim:
            await post(session, sim, text_to_image(steps=5000), prompt_id="p")
            await is_running(sim, "p")
            async with session.post(f"{sim.url}/interrupt", json={"prompt_id": "p"}) as answer:
                assert answer.status == 200
            entry = await ended(session, sim, "p")
        assert entry["status"]["messages"][-1][0] == "execution_interrupted"
        assert entry["outputs"] == {}

    async def test_held_back_answers_come_later(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """A client with little patience gives up; the next one gets its answer."""
        sim.behaviour.answer_seconds = 30
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await get(session, sim, "/queue")
        sim.behaviour.change({"answer_seconds": 0, "view_seconds": 30})
        await finish(session, sim, fast())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await get(session, sim, "/view?filename=fast_00001_.png")
