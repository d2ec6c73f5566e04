"""A run: machines, the share, time, and what happens there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random

from tests.simulation.builds import Build
from tests.simulation.ledger import BrokenPromise, Ledger
from tests.simulation.machines import GALLERY, LOG, Down, Machine
from tests.simulation.mount import ERRNOS, Mount
from tests.simulation.plan import Plan, Step
from tests.simulation.server import Inode, Server, Snapshot
from tests.simulation.workload import edit

#: 2023-11-14, in milliseconds.
_BEGIN = 1_700_000_000_000
_FAILURES = ("not done", "half done", "done all the same")
#: More machines than this are not cloned.
_MOST = 7
#: Times of a clock that jumps, in milliseconds.
_JUMPS = (-5, -1_000, -61_000, -7_200_000, 5, 1_000, 30_000, 61_000, 86_400_000)


class Run:
    """One plan, carried out. It is the `World` of the mounts, and what is `Around` the machines."""

    def __init__(self, plan: Plan, build: Build, *, trace: bool = False) -> None:
        """`trace` keeps a text of what happens."""
        self.plan = plan
        self.build = build
        self.now = _BEGIN
        self.dice = Random(plan.seed)
        self.ledger = Ledger()
        self.server = Server()
        self.machines: list[Machine] = []
        self.trace: list[str] | None = [] if trace else None
        #: Whether nothing goes wrong any more.
        self.healed = False
        #: Logs of which something was destroyed, `writer.host`, and how.
        self.hurt: dict[str, str] = {}
        #: Logs of which something was served that was not on the disk, and is gone.
        self.unmade: set[str] = set()
        self._by_mount: dict[Mount, Machine] = {}
        self._snapshots: list[Snapshot] = []
        self._serial = 0
        self._depth = 0
        for number in range(plan.hosts):
            self._add(f"host-{'abcdefg'[number]}", plan.ahead[number])

    def _add(self, name: str, ahead: int) -> Machine:
        mount = self.build.mount(name, self.server, self.plan.profile, self)
        machine = Machine(name, name, mount, self, ahead)
        self._own(machine)
        return machine

    def _own(self, machine: Machine) -> None:
        self.machines.append(machine)
        self._by_mount[machine.mount] = machine

    # Around the machines.

    def serial(self) -> int:
        """A number that was never given before."""
        self._serial += 1
        return self._serial

    def say(self, who: str, text: str) -> None:
        """Something for the trace."""
        if self.trace is not None:
            seconds = (self.now - _BEGIN) / 1000
            self.trace.append(f"{seconds:10.3f} {'  ' * self._depth}{who:<8} {text}")

    def accuse(self, promise: str, text: str) -> None:
        """A promise was broken."""
        raise BrokenPromise(promise, text)

    def enter(self, mount: Mount, call: str, path: str) -> str | None:
        """See `World`."""
        dice = self.dice
        if self.healed:
            self.now += 1
            return None
        self.now += int(dice.random() * 3)
        machine = self._by_mount[mount]
        if machine.cut_off > self.now:
            self._wait_for_the_share(machine, call)
        self._give_turn(machine)
        chance = dice.random() - self.plan.falls
        if chance < 0:
            machine.fall(power=dice.random() < 0.5)
            raise Down
        if chance < self.plan.faults:
            fails = _FAILURES[int(dice.random() * 3)]
            if self.trace is not None:
                self.say(machine.name, f"  share: {call} of {_short(path)} fails, {fails}")
            return fails
        return None

    def pause(self, mount: Mount) -> None:
        """See `World`."""
        if not self.healed:
            self._give_turn(self._by_mount[mount])

    def _wait_for_the_share(self, machine: Machine, call: str) -> None:
        """The call blocks until the share is back, or fails after ten seconds."""
        if self.dice.random() < 0.5 and machine.cut_off - self.now < 60_000:
            self.now = machine.cut_off
            return
        self.now += 10_000
        number = ERRNOS[int(self.dice.random() * len(ERRNOS))]
        self.say(machine.name, f"  share: {call} fails, cut off")
        raise OSError(number, "cut off")

    def _give_turn(self, machine: Machine) -> None:
        if self._depth >= 2 or self.dice.random() >= self.plan.turns:
            return
        process = machine.process
        self._depth += 1
        kind = self.dice.choices(_TURNS, _TURN_WEIGHTS)[0]
        other = self.machines[int(self.dice.random() * len(self.machines))]
        self._carry_out(kind, other)
        self._depth -= 1
        if machine.process is not process:
            raise Down

    # What happens.

    def run(self, keep: Iterable[int] | None = None) -> None:
        """Carry out all steps, or those to keep.

        Raises:
            BrokenPromise: the product broke one.
        """
        kept = None if keep is None else frozenset(keep)
        for step in self.plan.steps:
            if kept is None or step.index in kept:
                self._step(step)
        self.dice = Random(self.plan.seed)  # for what comes after

    def _step(self, step: Step) -> None:
        self.dice = Random(step.dice)
        self.now += int(self.dice.random() ** 4 * 3000)
        machine = self.machines[step.machine % len(self.machines)]
        if self.trace is not None:
            self.trace.append(f"-- step {step.index}: {step.kind} {machine.name}")
        self._depth = 0
        self._carry_out(step.kind, machine)
        self._depth = 0

    def _carry_out(self, kind: str, machine: Machine) -> None:
        depth = self._depth
        try:
            _ACTIONS[kind](self, machine)
        except Down:
            self._depth = depth

    def _up(self, machine: Machine) -> None:
        if machine.process is None:
            machine.start()

    def append(self, machine: Machine) -> None:
        """Somebody edits."""
        self._up(machine)
        for _ in range(1 + int(self.dice.random() * 2)):
            drafts = 1 + int(self.dice.random() ** 2 * 4)
            machine.append([self._events() for _ in range(drafts)])
        machine.write()

    def hand_over(self, machine: Machine) -> None:
        """Somebody edits, and what he does waits until something is written."""
        if machine.process is not None:
            machine.append([self._events()])

    def _events(self) -> list[object]:
        many = 1 if self.dice.random() < 0.8 else 2 + int(self.dice.random() * 3)
        return [edit(self.dice) for _ in range(many)]

    def read(self, machine: Machine) -> None:
        """A poll."""
        self._up(machine)
        machine.read()

    def glance(self, machine: Machine) -> None:
        """A poll, if the service runs."""
        machine.read()

    def wait(self, machine: Machine) -> None:
        """Time passes."""
        self.now += int(10 ** (self.dice.random() * 6.5))

    def restart(self, machine: Machine) -> None:
        """The service ends in good order, and begins anew."""
        machine.stop()
        self._up(machine)

    def kill(self, machine: Machine) -> None:
        """The process ends at once."""
        machine.fall(power=False)

    def power(self, machine: Machine) -> None:
        """The machine ends at once."""
        machine.fall(power=True)

    def checkpoint(self, machine: Machine) -> None:
        """The service saves its state on its own disk."""
        machine.checkpoint()

    def mark(self, machine: Machine) -> None:
        """The service tells how far it has read."""
        machine.mark()

    def server_cut(self, machine: Machine) -> None:
        """The server loses power, and is back at once."""
        self.say("server", "loses power, and is back")
        before = self._served()
        self.server.power_cut(self.dice)
        self._compare(before)

    def _served(self) -> dict[str, bytes]:
        return {path: inode.data for path, inode in self.server.names.items()}

    def _compare(self, before: dict[str, bytes]) -> None:
        """Note what was served before, and is not now."""
        after = self._served()
        for path, data in before.items():
            if path not in after or not after[path].startswith(data):
                self.unmade.add(log_of(path))

    def cut_off(self, machine: Machine) -> None:
        """A host does not reach the share for a while."""
        machine.cut_off = self.now + int(self.dice.random() * 120_000)
        self.say(machine.name, f"is cut off for {(machine.cut_off - self.now) / 1000:.1f} s")

    def clock(self, machine: Machine) -> None:
        """A clock jumps, stands still, or goes on."""
        if machine.stopped is not None:
            machine.ahead, machine.stopped = machine.stopped - self.now, None
        elif self.dice.random() < 0.3:
            machine.stopped = machine.wall_ms()
        else:
            machine.ahead += _JUMPS[int(self.dice.random() * len(_JUMPS))]
        self.say(machine.name, f"'s clock is {machine.wall_ms() - self.now} ms ahead")

    def litter(self, machine: Machine) -> None:
        """A file that is no segment appears in the log's folder."""
        name = ("._x", ".DS_Store", "0000 (conflict).jsonl")[int(self.dice.random() * 3)]
        self.server.names[f"{LOG}/{name}"] = Inode("", self.now, b"\0\1", b"\0\1")

    def snapshot(self, machine: Machine) -> None:
        """The server keeps a copy of its disk."""
        self._snapshots.append(self.server.snapshot())
        self.say("server", "makes a snapshot")

    def roll_back(self, machine: Machine) -> None:
        """The server goes back to a snapshot."""
        if not self._snapshots:
            return
        before, served = self.server.contents(), self._served()
        past = self._snapshots[int(self.dice.random() * len(self._snapshots))]
        self.server.roll_back(past, same_files=self.dice.random() < 0.5)
        self._compare(served)
        after = self.server.contents()
        for path, data in before.items():
            if not after.get(path, b"").startswith(data):
                self._hurt(path, "rolled back")
        self.say("server", f"is rolled back: {', '.join(self.hurt) or 'nothing lost'}")

    def clone(self, machine: Machine) -> None:
        """Somebody clones a machine, running or not."""
        if len(self.machines) >= _MOST:
            return
        twin = machine.clone(f"{machine.name}'", running=self.dice.random() < 0.5)
        self._own(twin)
        state = "as it runs" if twin.process else "from its disk"
        self.say(machine.name, f"is cloned {state}")
        for writer in self.ledger.forked:
            self.hurt.setdefault(writer, "forked by a clone")

    def rot(self, machine: Machine) -> None:
        """A bit on the server's disk turns."""
        paths = [path for path, node in self.server.stable_names.items() if node.stable]
        if not paths:
            return
        path = paths[int(self.dice.random() * len(paths))]
        inode = self.server.stable_names[path]
        at = int(self.dice.random() * len(inode.stable))
        turned = inode.stable[at] ^ 1 << int(self.dice.random() * 8)
        if inode.pending or inode.data != inode.stable:
            return
        inode.data = inode.stable = inode.stable[:at] + bytes([turned]) + inode.stable[at + 1 :]
        self.say("server", f"has a bit turned at {at} of {_short(path)}")
        self._hurt(path, "a bit turned")

    def _hurt(self, path: str, how: str) -> None:
        if path.startswith(LOG):
            self.hurt[log_of(path)] = how

    def add_reader(self, name: str) -> Machine:
        """A host that was never here before."""
        return self._add(name, 0)


def log_of(path: str) -> str:
    """`writer.host` of a segment."""
    return ".".join(path.rpartition("/")[2].split(".")[:2])


def _short(path: str) -> str:
    return path.removeprefix(f"{GALLERY}/")


_ACTIONS = {
    name: getattr(Run, name)
    for name in (
        "append", "hand_over", "read", "glance", "wait", "restart", "kill", "power", "checkpoint",
        "mark",
        "server_cut", "cut_off", "clock", "litter", "snapshot", "roll_back", "clone", "rot",
    )
}  # fmt: skip
#: What others do while a call is under way.
_TURN_KINDS = {
    "append": 20, "hand_over": 10, "read": 15, "glance": 25, "wait": 3, "restart": 2, "kill": 2,
    "power": 2, "server_cut": 2,
}  # fmt: skip
_TURNS: Sequence[str] = tuple(_TURN_KINDS)
_TURN_WEIGHTS: Sequence[int] = tuple(_TURN_KINDS.values())
