r"""Graphs as a backend of another operating system must have them. Pure.

ComfyUI lists models as its own system writes paths: `flux\lora.safetensors` on Windows is
`flux/lora.safetensors` on Linux, and a choice that is spelled otherwise is refused. Files on a
share have another name there, which the path mappings know. A prompt is never touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator.paths.mappings import OS_NAMES, OsName, PathMapping, is_absolute, translator

#: Whether the text of an input (class of the node, name of the input, value) names a file.
IsPath = Callable[[str, str, str], bool]


def _split(words: str) -> frozenset[str]:
    return frozenset(re.findall(r"\S+", words))


#: What files have at their end that a backend reads or writes.
SUFFIXES = _split("""
    .safetensors .sft .ckpt .pt .pt2 .pth .pkl .bin .gguf .onnx .engine .trt .index
    .png .jpg .jpeg .webp .gif .bmp .tif .tiff .exr .hdr .avif .svg .latent
    .mp4 .mov .mkv .webm .avi .m4v .wav .mp3 .flac .ogg .opus .m4a .aac
    .glb .gltf .obj .fbx .stl .ply .splat .spz .ksplat .usdz .cube .npy .npz
    .json .yaml .yml .txt .csv .srt .ttf .otf
""")
#: ComfyUI's note of which of its folders a file lies in: `shots/a.png [output]`.
_NOTE = re.compile(r"(?: ?\[(?:input|output|temp)\])?$")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{2,11}$")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")

#: Words in the name of an input that make its text a file's.
_FILES = _split("""
    audio checkpoint ckpt controlnet dir directory embedding file filename folder gguf gligen
    image latent lora mask model path photomaker unet upscaler vae video
""")
#: Words in the name of an input that make its text one for people, or for the model.
_PROSE = _split("""
    caption code comment description expression lyrics negative note notes positive prompt
    prompts script string tags text texts title value wildcard
""")
_LOADS = re.compile(r"load(?!ed)", re.IGNORECASE)
#: All texts of such nodes are prompts, also those that are called `clip_l`.
_READS_PROSE = re.compile(r"text_?encode", re.IGNORECASE)
_LONGEST = 4096


def os_of(system_os: str) -> OsName:
    """The system of a backend, from `system.os` of ComfyUI's `/system_stats`.

    Older ones say `posix` or `nt` there, which leaves a Mac to be taken for Linux; newer ones say
    `linux`, `darwin` or `win32`.
    """
    said = system_os.strip().lower()
    if said in {"nt", "win32", "cygwin", "windows"}:
        return "windows"
    return "macos" if said in {"darwin", "macos"} else "linux"


def to_backend(value: str, mappings: Iterable[PathMapping], backend_os: OsName) -> str:
    r"""A path as a backend's system calls it.

    An absolute one is translated if a mapping knows it, and else left as it is. A relative one
    gets the backend's separators. An address on the web is no path.
    """
    end = _note(value)
    path, note = value[:end], value[end:]
    if _URL.match(path):
        return value
    if any(is_absolute(path, os_name) for os_name in OS_NAMES):
        return translator(tuple(mappings), backend_os)(path) + note
    if path.startswith("\\") or path[1:2] == ":":
        return value  # on Windows neither absolute nor relative to anything that we know
    return (path.replace("/", "\\") if backend_os == "windows" else path.replace("\\", "/")) + note


def names_a_file(class_type: str, name: str, value: str) -> bool:
    """Whether the text of an input names a file, going by the input's name and the node's class.

    Whoever knows a backend's `/object_info` knows better; this is for those who do not.
    """
    words = _words(name)
    if not _PROSE.isdisjoint(words) or _READS_PROSE.search(class_type):
        return False
    named = not _FILES.isdisjoint(words) or words[-1:] == ["name"]
    return named or _LOADS.search(class_type) is not None


def graph_for(
    graph: Mapping[str, Any],
    mappings: Iterable[PathMapping],
    backend_os: OsName,
    is_path: IsPath = names_a_file,
) -> dict[str, Any]:
    """A graph in API format with its paths in the form of a backend's system.

    Changed are texts of which `is_path` says that they name a file, if they are absolute and a
    mapping knows them, or end in the suffix of a file. The graph given is left as it is; what does
    not change is shared with it.
    """
    known = tuple(mappings)

    def changed(class_type: str, name: str, value: object) -> object:
        if isinstance(value, dict):  # some nodes have settings with a file in them
            return {key: changed(class_type, str(key), inner) for key, inner in value.items()}
        if not isinstance(value, str) or not _may_be_path(value):
            return value
        path = to_backend(value, known, backend_os)
        return path if path != value and is_path(class_type, name, value) else value

    return {node: _with_inputs(body, changed) for node, body in graph.items()}


def _with_inputs(body: Any, changed: Callable[[str, str, object], object]) -> Any:
    if not isinstance(body, dict) or not isinstance(body.get("inputs"), dict):
        return body
    class_type = str(body.get("class_type", ""))
    inputs = {name: changed(class_type, name, value) for name, value in body["inputs"].items()}
    return {**body, "inputs": inputs}


def _may_be_path(value: str) -> bool:
    """Whether a text is a line that is absolute somewhere, or ends in the suffix of a file."""
    if len(value) > _LONGEST or not value.isprintable():
        return False
    path = value[: _note(value)]
    suffix = _SUFFIX.search(path)
    ends = suffix is not None and suffix[0].lower() in SUFFIXES
    return ends or any(is_absolute(path, os_name) for os_name in OS_NAMES)


def _note(value: str) -> int:
    """Where the note of ComfyUI's folder begins; the end if there is none."""
    found = _NOTE.search(value)
    return len(value) if found is None else found.start()


def _words(name: str) -> list[str]:
    """The words of an input's name: `imagePath_2` is image, path; `clip_name1` is clip, name."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[:200])
    return re.findall(r"[a-z]+", parted.lower())
