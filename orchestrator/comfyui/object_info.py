"""Reads what a backend can do from its `/object_info`: its node classes, and the models it has.

The answer describes every input of every node class, 350 KB for a bare ComfyUI and several MB
with custom nodes. What a job can be measured by is a small part of that, and is all that is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from orchestrator.comfyui.answers import read_object
from orchestrator.comfyui.file_inputs import UPLOADS, ClassInput
from orchestrator.comfyui.transport import Transport

#: Suffixes of files with weights: those of ComfyUI's `supported_pt_extensions`, and of GGUF, ONNX
#: and TensorRT loaders.
MODEL_SUFFIXES = (
    ".bin",
    ".ckpt",
    ".engine",
    ".gguf",
    ".onnx",
    ".pkl",
    ".pt",
    ".pt2",
    ".pth",
    ".safetensors",
    ".sft",
)
#: How an input says that a browser may upload a file for it: `image_upload: true`.
_UPLOAD_MARK = "_upload"
_GROUPS = ("required", "optional")
_PATH = "/object_info"


def _sealed(
    choices: Mapping[ClassInput, frozenset[str]],
) -> Mapping[ClassInput, frozenset[str]]:
    return MappingProxyType(dict(choices))


@frozen(eq=False)  # compared by identity: it is large, and a key of remembered judgements
class Abilities:
    """What one backend can do. Model names have forward slashes, whatever the backend writes."""

    #: Every node class that is installed.
    classes: frozenset[str]
    #: The values that inputs take which choose among models, or in another way belong to a
    #: loader. An input that is not here may take anything. Equal sets are one object.
    choices: Mapping[ClassInput, frozenset[str]] = field(factory=dict, converter=_sealed)
    #: Inputs that take the name of an uploaded file.
    uploads: frozenset[ClassInput] = frozenset()


async def fetch(http: Transport) -> Abilities:
    """Ask a backend what it can do; the answer is read in a thread, because it is long.

    Raises:
        BackendUnreachable: No answer, or one that ComfyUI would not give.
    """
    raw = await http.call("GET", _PATH)
    return await asyncio.to_thread(http.understand, raw, f"GET {_PATH}", read_abilities)


def read_abilities(answer: Any) -> Abilities:
    """The answer of `GET /object_info`.

    A class whose description has another shape than ComfyUI's is still known to be there.

    Raises:
        TypeError: It is no object of objects.
        ValueError: It has no classes; no ComfyUI is like that.
    """
    described = {name: read_object(body) for name, body in read_object(answer).items()}
    if not described:
        raise ValueError("it lists no node classes")
    choices: dict[ClassInput, frozenset[str]] = {}
    uploads: set[ClassInput] = set()
    #: Thousands of names stand in dozens of inputs: each set of them is kept once.
    known: dict[frozenset[str], frozenset[str]] = {}
    for class_type, body in described.items():
        for name, kind, options in _inputs(body):
            place = (class_type, name)
            if _takes_upload(options):
                uploads.add(place)
            elif place not in UPLOADS:
                offered = _offered(class_type, kind, options)
                if offered is not None:
                    choices[place] = known.setdefault(offered, offered)
    return Abilities(frozenset(described), choices, frozenset(uploads))


def same_name(model: str) -> str:
    r"""A model's name as it is compared: `flux\a.safetensors` is `flux/a.safetensors`."""
    return model.replace("\\", "/")


def is_model(name: str) -> bool:
    """Whether a text is the name of a file with weights."""
    return name.lower().endswith(MODEL_SUFFIXES)


def _inputs(body: Mapping[str, Any]) -> Iterator[tuple[str, Any, Mapping[str, Any]]]:
    """Name, kind and options of every input that is declared as ComfyUI declares them."""
    groups = body.get("input")
    for group in _GROUPS:
        declared = groups.get(group) if isinstance(groups, dict) else None
        for name, said in declared.items() if isinstance(declared, dict) else ():
            if isinstance(said, list) and said:
                options = said[1] if len(said) > 1 and isinstance(said[1], dict) else {}
                yield name, said[0], options


def _takes_upload(options: Mapping[str, Any]) -> bool:
    return any(key.endswith(_UPLOAD_MARK) and value is True for key, value in options.items())


def _offered(class_type: str, kind: Any, options: Mapping[str, Any]) -> frozenset[str] | None:
    """The values that a job may need; None if the input chooses among something else.

    A list comes as `[[...], {...}]`, or as `["COMBO", {"options": [...]}]` from newer classes. A
    list that is fetched later by the browser, or that holds more than texts, says nothing.
    """
    listed = options.get("options") if kind == "COMBO" else kind
    if not isinstance(listed, list) or options.get("multiselect") is True or "remote" in options:
        return None
    if not all(isinstance(option, str) for option in listed):
        return None
    if "loader" in class_type.lower() or any(is_model(option) for option in listed):
        return frozenset(map(same_name, listed))
    return None
