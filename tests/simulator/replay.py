"""Replays a recording of a real ComfyUI against the simulator, and compares the answers.

Ids, times and pictures differ from run to run; all else must be the same: status, headers, keys,
values, and for each socket the frames in their order.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp
from attrs import define, field
from yarl import URL

from tools.simulator import Behaviour, Simulator

from .graphs import until

RECORDINGS: Final = Path(__file__).parent.parent / "comfyui_transcripts"

#: Waiting of nodes is this much shorter than it was when the recordings were made.
PACE: Final = 0.06

#: Seconds until a frame that was recorded must have come; far more than it takes.
PATIENCE: Final = 20

EMPTY_QUEUE: Final[dict[str, list[Any]]] = {"queue_running": [], "queue_pending": []}

#: Headers that must be the same, and those that must be there when they were recorded.
_SAME_HEADERS: Final = ("Content-Type", "Content-Disposition", "Accept-Ranges", "Allow")
_THERE: Final = ("Etag", "Last-Modified")

Entry = dict[str, Any]


def recording(name: str) -> list[Entry]:
    """All lines of a recording, by the beginning of its name."""
    (path,) = RECORDINGS.glob(f"{name}_*.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def before_note(lines: list[Entry], text: str) -> list[Entry]:
    """The lines up to a note, after which the recorder did not write down all it sent."""
    notes = (index for index, line in enumerate(lines) if line.get("text") == text)
    return lines[: next(notes)]


@define(eq=False)
class Client:
    """A WebSocket that keeps every frame it gets."""

    socket: aiohttp.ClientWebSocketResponse
    frames: list[Any] = field(factory=list)
    _reader: asyncio.Task[None] | None = None

    @classmethod
    async def join(cls, session: aiohttp.ClientSession, url: str) -> Self:
        """Connect and begin to read."""
        client = cls(await session.ws_connect(url))
        client._reader = asyncio.create_task(client._read())
        return client

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self.frames.append(json.loads(message.data))
            elif message.type is aiohttp.WSMsgType.BINARY:
                self.frames.append(message.data)

    async def until(self, test: Callable[[list[Any]], bool]) -> None:
        """Wait until the frames pass a test."""
        await until(lambda: test(self.frames), PATIENCE)

    async def ended(self) -> int | None:
        """Wait until the server has closed; with which code."""
        assert self._reader is not None
        async with asyncio.timeout(PATIENCE):
            await self._reader
        return self.socket.close_code

    async def close(self) -> None:
        """Close from this side."""
        await self.socket.close()
        assert self._reader is not None
        await self._reader

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The data of all JSON frames of one type."""
        return [f["data"] for f in self.frames if isinstance(f, dict) and f["type"] == kind]


def is_settled(line: Entry, content: bytes) -> bool:
    """Whether our server is as far as the recorded one; the recorder, too, waited for that."""
    if line["req"].startswith("GET /history/") and line["resp"]:
        return content != b"{}"
    if line["req"].endswith("/queue") and line["resp"] == EMPTY_QUEUE:
        return bool(json.loads(content) == EMPTY_QUEUE)
    return True


def is_paced(frame: Any) -> bool:
    """Whether a frame can be waited for: `status` frames may come a little earlier or later."""
    return not (isinstance(frame, dict) and frame["type"] == "status")


@define(eq=False)
class Replay:
    """One recording on its way through a simulator."""

    sim: Simulator
    session: aiohttp.ClientSession
    lines: list[Entry]
    #: Exchanges that are not repeated.
    skip: Callable[[Entry], bool] = lambda _: False
    #: Whether branches of a graph may run in another order: the real one leaves that to chance.
    any_order: bool = False
    #: What to do at a note that begins like that, such as killing the server.
    at_note: dict[str, Callable[[], Awaitable[None]]] = field(factory=dict)
    #: Recorded ids to ours.
    ids: dict[str, str] = field(factory=dict)
    clients: dict[str, Client] = field(factory=dict)
    note: str = ""

    async def run(self) -> None:
        """Repeat every request at its place between the frames, and compare all answers."""
        prepare(self.sim, self.lines)
        for index, line in enumerate(self.lines):
            await self._step(line, self.lines[:index])
        for name in list(self.clients):
            await self._leave(name, None)

    async def _step(self, line: Entry, before: list[Entry]) -> None:
        match line["kind"]:
            case "note":
                self.note = line["text"]
                for text, action in self.at_note.items():
                    if self.note.startswith(text):
                        await action()
            case "ws_open":
                url = self.sim.url + line["url"]
                self.clients[line["ws"]] = await Client.join(self.session, url)
            case "ws_send":
                await self.clients[line["ws"]].socket.send_json(line["msg"])
            case "ws_closed":
                await self._leave(line["ws"], line["close_code"])
            case "http" if not self.skip(line):
                await self._in_time(before, line["t"])
                await self._exchange(line)

    async def _in_time(self, before: list[Entry], moment: float) -> None:
        """Wait until each socket has as many frames as its recorded twin had then."""
        for name, client in self.clients.items():
            count = len([f for f in self._recorded(name, before) if f[0] <= moment])

            def enough(frames: list[Any], count: int = count) -> bool:
                return len([f for f in frames if is_paced(f)]) >= count

            await client.until(enough)

    def _recorded(self, name: str, lines: list[Entry]) -> list[tuple[float, Entry]]:
        kinds = ("ws_text", "ws_binary")
        frames = [line for line in lines if line["kind"] in kinds and line["ws"] == name]
        return [(f["t"], f) for f in frames if is_paced(f.get("msg"))]

    async def _leave(self, name: str, code: int | None) -> None:
        client = self.clients[name]
        if code is None:
            lines = [line for line in self.lines if line.get("ws") == name]
            count = len([line for line in lines if line["kind"] in ("ws_text", "ws_binary")])
            await client.until(lambda frames: len(frames) >= count)
            await client.close()
        else:
            assert await client.ended() == code
        del self.clients[name]
        self._compare_frames(name, client)

    async def _exchange(self, line: Entry) -> None:
        method, path = line["req"].split(" ", 1)
        url = URL(self.sim.url + self._ours(path, in_url=True), encoded=True)
        headers = {}
        if line.get("status") == 206:
            headers["Range"] = "bytes=0-9"
        if self.note == "cross-origin":
            headers["Origin"] = "http://elsewhere.example"
        body = line.get("body")
        text = body if isinstance(body, str) or body is None else json.dumps(body)
        data = None if text is None else self._ours(text).encode()
        if line.get("status") is None:
            try:
                await self.session.request(method, url, data=data)
            except aiohttp.ClientConnectionError:
                return
            raise AssertionError(f"{line['req']} was refused when recorded")
        async with asyncio.timeout(PATIENCE):
            while True:
                async with self.session.request(method, url, data=data, headers=headers) as answer:
                    content = await answer.read()
                if is_settled(line, content):
                    break
        self._compare_answer(line, answer, content)

    def _compare_answer(self, line: Entry, answer: aiohttp.ClientResponse, content: bytes) -> None:
        where = f"{self.note}: {line['req']}"
        assert answer.status == line["status"], f"{where}: {content[:500]!r}"
        recorded, headers = line["resp"], line["headers"]
        if headers.get("Transfer-Encoding") == "chunked":
            return  # an unknown route: the real server looks for a file of its front end first
        for name in _SAME_HEADERS:
            assert plain(answer.headers.get(name)) == plain(headers.get(name)), f"{where}: {name}"
        for name in _THERE:
            assert (name in answer.headers) == (name in headers), f"{where}: {name}"
        if isinstance(recorded, str):
            starts = re.fullmatch(r"<\d+ bytes, starts ([0-9a-f]+)>", recorded)
            if starts:
                assert content.hex()[:8] == starts[1][:8], where
            else:
                assert content.decode() == recorded, where
            return
        ours = json.loads(content)
        if isinstance(recorded, dict) and "prompt_id" in recorded:
            self.ids[recorded["prompt_id"]] = ours["prompt_id"]
        names = zip(temp_names(recorded), temp_names(ours), strict=False)
        self.ids.update(names)
        expected = json.loads(self._ours(json.dumps(recorded)))
        assert plain(ours) == plain(expected), where

    def _ours(self, text: str, *, in_url: bool = False) -> str:
        """A recorded text with our ids in the place of the recorded ones."""
        for theirs, ours in self.ids.items():
            text = (
                text.replace(quote(theirs, safe=""), quote(ours, safe=""))
                if in_url
                else (text.replace(json.dumps(theirs), json.dumps(ours)))
            )
        return text

    def _compare_frames(self, name: str, client: Client) -> None:
        lines = [line for line in self.lines if line.get("ws") == name]
        texts = [line["msg"] for line in lines if line["kind"] == "ws_text"]
        recorded = [json.loads(self._ours(json.dumps(text))) for text in texts]
        theirs = [t["data"] for t in recorded if t["type"] == "status"]
        assert plain(client.of("status")) == plain(theirs)
        binary = [summary(line) for line in lines if line["kind"] == "ws_binary"]
        cut_short = {self.ids.get(p, p) for p in interrupted(texts)}
        ours, expected = story(client.frames, cut_short), story(recorded, cut_short)
        if self.any_order:
            ours, expected = unordered(ours), unordered(expected)
        assert ours == expected
        got = [binary_summary(frame) for frame in client.frames if isinstance(frame, bytes)]
        assert got == [json.loads(self._ours(json.dumps(b))) for b in binary]


def prepare(sim: Simulator, lines: list[Entry]) -> None:
    """Bring counters to where they stood when the recording began."""
    taken = 0
    for line in lines:
        if line["kind"] != "http" or line["req"] != "POST /prompt":
            continue
        body, answer = line["body"], line["resp"]
        if line["status"] == 200 and isinstance(answer["number"], int):
            sim.memory.number = abs(answer["number"]) - taken
            break
        taken += (isinstance(body, dict) and "number" not in body) or body == "[]"
    first: dict[tuple[str, str], int] = {}
    pattern = r'"filename": "([^"]*)_(\d{5})_\.png", "subfolder": "([^"]*)", "type": "output"'
    text = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    for stem, number, folder in re.findall(pattern, text):
        first.setdefault((folder, stem), int(number))
    for (folder, stem), number in first.items():
        if number > 1:
            path = sim.store.root / "output" / folder / f"{stem}_{number - 1:05}_.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"taken")


def plain(value: Any, key: str = "") -> Any:
    """A value without what differs from run to run."""
    if key in _PLAIN:
        return _PLAIN[key](value)
    if isinstance(value, dict):
        return {name: plain(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, str):
        return re.sub(r"ComfyUI_temp_[a-z]{5}_", "ComfyUI_temp_*****_", value)
    return value


def _a_time(value: Any) -> str:
    assert isinstance(value, int)
    return "<ms>"


def _a_traceback(value: Any) -> str:
    assert value
    assert all(isinstance(text, str) for text in value)
    return "<traceback>"


#: What becomes of the values under some keys before they are compared.
_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "timestamp": _a_time,
    "create_time": _a_time,
    "sid": lambda _: "<sid>",
    "traceback": _a_traceback,
    "current_inputs": lambda value: {
        name: [type(part).__name__ for part in shown] for name, shown in value.items()
    },
    "errors": lambda value: sorted(map(plain, value), key=lambda error: str(error["type"])),
    "executed": sorted,
    "current_outputs": sorted,
    "exception_message": lambda value: re.sub(r"/\S*", "<path>", value),
}


def interrupted(frames: list[dict[str, Any]]) -> set[str]:
    """Prompts that were cut short: how far their last node came is a matter of chance."""
    started, ended = set(), set()
    for frame in frames:
        if frame["type"] == "execution_start":
            started.add(frame["data"]["prompt_id"])
        elif frame["type"] in ("execution_success", "execution_error"):
            ended.add(frame["data"]["prompt_id"])
        elif frame["type"] == "execution_interrupted":
            started.add(frame["data"]["prompt_id"])
    return started - ended


def story(frames: list[Any], cut_short: set[str]) -> list[Any]:
    """The JSON frames besides `status`, without steps of prompts that were cut short."""
    out = []
    for frame in frames:
        if not isinstance(frame, dict) or frame["type"] == "status":
            continue
        steps = frame["type"] in ("progress", "progress_state")
        if not (steps and frame["data"]["prompt_id"] in cut_short):
            out.append(plain(frame))
    return out


def unordered(frames: list[Any]) -> list[str]:
    """Frames without their order, and without progress_state, which depends on it."""
    return sorted(json.dumps(f, sort_keys=True) for f in frames if f["type"] != "progress_state")


def summary(line: Entry) -> dict[str, Any]:
    """What a recorded binary frame says of itself."""
    keys = ("event_type", "metadata", "image_type", "node_id", "text", "image_magic")
    return {key: line[key] for key in keys if key in line}


def binary_summary(frame: bytes) -> dict[str, Any]:
    """The same of a frame that we got."""
    kind, second = int.from_bytes(frame[:4], "big"), int.from_bytes(frame[4:8], "big")
    rest = frame[8:]
    if kind == 1:
        return {"event_type": 1, "image_type": second, "image_magic": rest[:4].hex()}
    if kind == 3:
        return {
            "event_type": 3,
            "node_id": rest[:second].decode(),
            "text": rest[second:].decode(),
        }
    return {
        "event_type": kind,
        "metadata": json.loads(rest[:second]),
        "image_magic": rest[second : second + 4].hex(),
    }


def temp_names(answer: Any) -> list[str]:
    """Names of PreviewImage's files, of which five letters are chance."""
    return re.findall(r"ComfyUI_temp_[a-z]{5}_\d{5}_\.png", json.dumps(answer))


def recorded_behaviour() -> Behaviour:
    """How the recorded server was set up: no models, and our pace."""
    return Behaviour(pace=PACE, models=False)
