"""The service's configuration: config.yaml, overlaid by environment variables.

    YAML -> plain data -> environment overlay -> strict structure -> Config

Nothing is guessed: an unknown key, a number in quotes or a backend id given twice stops the
start, and all faults are told at once, each with its source, its key and its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from attrs import evolve, field, fields, frozen
from cattrs import BaseValidationError

from orchestrator import config_rules as rules
from orchestrator import config_yaml
from orchestrator.errors import ConfigInvalid, Fault
from orchestrator.paths.mappings import OS_NAMES, PathMapping, is_absolute

COMFYUI_PORT = 8188

_PORT_VARIABLE = "ORCHESTRATOR_PORT"
_NODES_VARIABLE = "ORCHESTRATOR_COMFY_NODES"
_CORS_VARIABLE = "ORCHESTRATOR_CORS_ORIGINS"
_NODE = re.compile(
    r"(?:http://)?(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:/@?#\s]+))(?::(?P<port>[^:/@?#]*))?/?",
    re.IGNORECASE,
)
_NODE_EXPECTED = "host, host:port, http://host:port or [IPv6]:port"


@frozen
class BackendConfig:
    """One ComfyUI server as it is configured; whether it answers is another matter."""

    id: Annotated[str, rules.ID]
    name: Annotated[str, rules.NAME]
    host: Annotated[str, rules.HOST]
    port: Annotated[int, rules.PORT] = COMFYUI_PORT
    enabled: bool = True
    #: What it can render, in the studio's own words: `flux`, `sdxl`.
    capabilities: tuple[Annotated[str, rules.CAPABILITY], ...] = ()
    max_concurrent_jobs: Annotated[int, rules.JOBS_AT_ONCE] = 1

    @property
    def url(self) -> str:
        """Its address without a trailing slash; an IPv6 host stands in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@frozen
class WebhookConfig:
    """An address that is told of the ends of all jobs of this host."""

    #: It may lead anywhere, also into the local network: whoever writes config.yaml may say so.
    url: Annotated[str, rules.WEB_ADDRESS]
    #: What its messages are signed with; None for `webhook_secret`.
    secret: Annotated[str, rules.SECRET] | None = field(default=None, repr=False)
    #: The ends that it is told of.
    events: tuple[Annotated[str, rules.JOB_END], ...] = ("succeeded", "failed", "cancelled")


@frozen(kw_only=True)
class Config:
    """Everything that the service must be told; immutable while it runs."""

    #: Address to listen on; any but a loopback address needs `roots`.
    host: Annotated[str, rules.HOST] = "127.0.0.1"
    #: Port to listen on; 0 takes any free one.
    port: Annotated[int, rules.LISTEN_PORT] = 9820
    #: Where other hosts reach this service, such as `http://ws-07.studio.lan:9820`; None for the
    #: host's name and the port, if it listens to others at all.
    public_url: Annotated[str, rules.PUBLIC_URL] | None = None
    #: What this host keeps for itself: its identity, to which its jobs belong, and the project of
    #: jobs that name none. Only `cache` in it may be deleted, while the service is down.
    data_dir: Path = Path("data")
    log_dir: Path = Path("logs")
    #: ComfyUI graphs in API format, named by `workflow_id`.
    workflows_dir: Path = Path("workflows")
    backends: tuple[BackendConfig, ...] = ()
    #: Folders that requests may name; empty means `default_roots()`.
    roots: tuple[Path, ...] = ()
    #: Web pages that may call the service; empty means none but its own.
    cors_origins: tuple[Annotated[str, rules.CORS_ORIGIN], ...] = ("*",)
    path_mappings: tuple[PathMapping, ...] = ()
    webhooks: tuple[WebhookConfig, ...] = ()
    #: What messages to addresses without a secret of their own are signed with, such as those
    #: that jobs name; None leaves these unsigned.
    webhook_secret: Annotated[str, rules.SECRET] | None = field(default=None, repr=False)
    #: Whether old segments of this host's logs are put together (docs/log-growth.md).
    consolidate_logs: bool = True


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Read the configuration; None means that there is no file, which is a valid configuration.

    Relative paths stand below the file's folder (without a file: the working directory), and `~`
    is expanded. A variable that is set and not blank replaces the key of the file:
    `ORCHESTRATOR_PORT`, `ORCHESTRATOR_COMFY_NODES` (comma-separated addresses; they get the ids
    node1, node2 and so on) and `ORCHESTRATOR_CORS_ORIGINS` (comma-separated).

    Raises:
        ConfigInvalid: With every fault of the file and of the environment.
    """
    data, lines = ({}, {}) if path is None else _read(path)
    changed, variables, found = _environment(environ)
    data |= changed
    found += _contradictions(data)
    config = Config()
    try:
        base = Path.cwd() if path is None else path.absolute().parent
        config = rules.converter(base).structure(_with_paths(data), Config)
    except (BaseValidationError, rules.MismatchError) as exc:
        found += rules.faults(exc)
    if found:
        raise _invalid(path, variables, lines, found)
    return config


def exposure(host: str, roots: Sequence[object]) -> Fault | None:
    """The fault of letting other computers in without saying which folders they may use."""
    if rules.is_loopback(host) or roots:
        return None
    return Fault(
        "host",
        f"{host} lets other computers in, so `roots` must name the folders that they may use; "
        "add `roots`, or listen on 127.0.0.1",
        host,
    )


def _read(path: Path) -> tuple[dict[str, object], config_yaml.Lines]:
    try:
        return config_yaml.read(path.read_text(encoding="utf-8-sig"))
    except config_yaml.YamlInvalidError as exc:
        raise ConfigInvalid(source=str(path), faults=exc.faults) from exc
    except UnicodeDecodeError as exc:
        fault = Fault("", f"expected UTF-8, got the byte 0x{exc.object[exc.start]:02x}")
        raise ConfigInvalid(source=str(path), faults=[fault]) from exc
    except OSError as exc:
        fault = Fault("", f"the file cannot be read: {exc.strerror}")
        raise ConfigInvalid(source=str(path), faults=[fault]) from exc


def _with_paths(data: Mapping[str, object]) -> dict[str, object]:
    """The data with every default path written out, so that it too stands below the folder."""
    defaults = {a.name: str(a.default) for a in fields(Config) if isinstance(a.default, Path)}
    return defaults | dict(data)


def _environment(
    environ: Mapping[str, str],
) -> tuple[dict[str, object], dict[str, str], list[Fault]]:
    """What the environment changes: values by key, the variable of each key, and faults."""
    changed: dict[str, object] = {}
    variables: dict[str, str] = {}
    faults: list[Fault] = []
    if port := environ.get(_PORT_VARIABLE, "").strip():
        variables["port"] = _PORT_VARIABLE
        changed["port"] = _number(port)
    if nodes := _split(environ.get(_NODES_VARIABLE, "")):
        variables["backends"] = _NODES_VARIABLE
        parsed = [_node(index, address) for index, address in enumerate(nodes)]
        faults += [node for node in parsed if isinstance(node, Fault)]
        changed["backends"] = [
            # A node that cannot be read keeps its place, so that others keep their index.
            {"id": f"node{i}", "name": "?", "host": "localhost"}
            if isinstance(node, Fault)
            else node
            for i, node in enumerate(parsed, 1)
        ]
    if origins := _split(environ.get(_CORS_VARIABLE, "")):
        variables["cors_origins"] = _CORS_VARIABLE
        changed["cors_origins"] = origins
    return changed, variables, faults


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(text: str) -> int | str:
    """A number if it is one; else the text, for the rule to refuse."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else text


def _node(index: int, address: str) -> dict[str, object] | Fault:
    match = _NODE.fullmatch(address)
    if match is None:
        return rules.mismatch(f"backends[{index}]", _NODE_EXPECTED, address)
    host, port = match["v6"] or match["host"], match["port"]
    return {
        "id": f"node{index + 1}",
        "name": re.sub(r"^http://|/$", "", address, flags=re.IGNORECASE),
        "host": host,
        "port": COMFYUI_PORT if port is None else _number(port),
    }


def _contradictions(data: Mapping[str, object]) -> list[Fault]:
    """Faults of values that are each well formed but do not go together."""
    found = [
        *_repeated(data, "backends"),
        *_repeated(data, "path_mappings"),
        *_repeated(data, "webhooks", "url"),
    ]
    for index, mapping in _items(data, "path_mappings"):
        found += _mapping_faults(f"path_mappings[{index}]", mapping)
    host, roots = data.get("host"), data.get("roots", [])
    if rules.is_host(host) and isinstance(roots, list) and (fault := exposure(str(host), roots)):
        found.append(fault)
    return found


def _items(data: Mapping[str, object], key: str) -> Iterator[tuple[int, dict[str, object]]]:
    """The mappings of a list; whatever else stands there is the converter's to refuse."""
    items = data.get(key)
    for index, item in enumerate(items if isinstance(items, list) else []):
        if isinstance(item, dict):
            yield index, item


def _repeated(data: Mapping[str, object], key: str, name: str = "id") -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, item in _items(data, key):
        value = item.get(name)
        if not isinstance(value, str):
            continue
        if value in first:
            said = f"expected each {name} once; {key}[{first[value]}] has {value!r} too"
            yield Fault(f"{key}[{index}].{name}", said, value)
        first.setdefault(value, index)


def _mapping_faults(path: str, mapping: Mapping[str, object]) -> Iterator[Fault]:
    """What `PathMapping` itself does not check: a relative side would match nothing, in silence."""
    id_ = mapping.get("id")
    if isinstance(id_, str) and not rules.ID.holds(id_):
        yield rules.mismatch(f"{path}.id", rules.ID.expected, id_)
    for os_name in OS_NAMES:
        side = mapping.get(os_name, "")
        if isinstance(side, str) and side and not is_absolute(side, os_name):
            yield rules.mismatch(f"{path}.{os_name}", f"an absolute {os_name} path", side)


def _invalid(
    path: Path | None,
    variables: Mapping[str, str],
    lines: config_yaml.Lines,
    faults: Sequence[Fault],
) -> ConfigInvalid:
    """The error that names each fault's source: the variable that set its key, or the file."""
    told, sources = [], set()
    for fault in faults:
        variable = variables.get(re.split(r"[.\[]", fault.path)[0])
        line = lines.get(fault.path)
        where = f" (from {variable})" if variable else f" (line {line})" if line else ""
        told.append(evolve(fault, message=fault.message + where))
        sources.add(variable or str(path))
    one = sources.pop() if len(sources) == 1 else str(path or "environment")
    return ConfigInvalid(source=one, faults=told)
