r"""Finds the inputs of a workflow that name files on the backend's own disk. Pure.

A node that loads a picture by name reads whatever its server can read: ComfyUI joins the name to
its input folder, and an absolute name wins. So every such input is found and judged: by the class
where it is a known one, else by the input's name and its value.

Texts that a node computes, such as two halves of a path that are joined in the workflow, are
beyond what the graph alone can tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Literal

from attrs import frozen

from orchestrator.comfyui.graph import Workflow, class_of, inputs_of, is_link
from orchestrator.comfyui.places import Place, settle

#: `upload`: an absolute path that can be replaced by an upload; `name`: lies in the backend's own
#: folders already; `outside`: leads out of them, and cannot be replaced.
FileKind = Literal["upload", "name", "outside"]

#: A class and one of its inputs.
ClassInput = tuple[str, str]

#: Inputs that take the name of a file which was uploaded, in any subfolder of `input`.
UPLOADS: frozenset[ClassInput] = frozenset(
    {
        ("LoadAudio", "audio"),
        ("LoadImage", "image"),
        ("LoadImageMask", "image"),
        ("LoadImageOutput", "image"),
        ("LoadLatent", "latent"),
        ("LoadVideo", "file"),
        ("VHS_LoadAudioUpload", "audio"),
        ("VHS_LoadVideo", "video"),
        ("VHS_LoadVideoFFmpeg", "video"),
    }
)
#: Inputs that name a file or folder, and that nothing can be uploaded for: Load3D has a button for
#: uploads, but takes only what lies in a folder of its own.
PATHS: frozenset[ClassInput] = frozenset(
    {
        ("Load3D", "model_file"),
        ("LoadImageDataSetFromFolder", "folder"),
        ("LoadImageTextDataSetFromFolder", "folder"),
        ("LoadTrainingDataset", "folder_name"),
        ("VHS_LoadAudio", "audio_file"),
        ("VHS_LoadImagePath", "image"),
        ("VHS_LoadImages", "directory"),
        ("VHS_LoadImagesPath", "directory"),
        ("VHS_LoadVideoFFmpegPath", "video"),
        ("VHS_LoadVideoPath", "video"),
    }
)


def _words_of(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


#: Words in the name of an input that make its text the name of a file.
_WORDS = _words_of("""
    animation audio checkpoint ckpt frames gif image images latent location lora mask masks model
    models movie music photo picture pictures sequence sound source src video videos
""")
#: Words that leave no doubt: a link into such an input carries a text, and not a picture.
_PATH_WORDS = _words_of("dir directories directory filename filenames files folders paths")
_ENDS = ("path", "file", "dir", "folder")
#: Inputs whose text is for people or for the model, whatever it looks like.
_TEXTS = _words_of("""
    caption code comment description expression json lyrics negative note notes positive prompt
    script string tags text texts title value
""")
#: Every attempt gets a prefix of our own there (`workflow.with_prefix`).
_OURS = "filename_prefix"

#: Absolute on some system, or next to it: `/x`, `\x`, `\\nas\x`, `C:\x`, `C:x`, `~/x`, `file:x`.
#: What begins with `/9j/` is a JPEG in base64.
_ABSOLUTE = re.compile(r"/(?!9j/)|\\|[A-Za-z]:|~[^/\\]*[/\\]|file:", re.IGNORECASE)
_URL = re.compile(r"https?://", re.IGNORECASE)
_SUFFIX = re.compile(r"[^/\\]\.[A-Za-z][A-Za-z0-9]{1,11}$")
#: ComfyUI cuts one character more than the note itself, whatever it is (`annotated_filepath`).
_NOTES = {"[output]": 9, "[input]": 8, "[temp]": 7}
#: Longer texts are no paths: twice what Linux takes.
_LONGEST = 8192


@frozen
class FileInput:
    """One text in a workflow that names a file or folder of the backend."""

    node: str
    input: str
    #: As it stands in the workflow.
    value: str
    kind: FileKind
    #: Whether the name of an uploaded file could stand there instead.
    takes_uploads: bool = False


def file_inputs(
    graph: Workflow, uploads: frozenset[ClassInput] = frozenset()
) -> tuple[FileInput, ...]:
    """Every text that names a file, in the order of the workflow.

    Where the name stands in another node that is linked to the input, such as a primitive, that
    node is told of, and nothing can be uploaded there.

    Args:
        graph: A workflow that has passed `workflow.check`, with its parameters set.
        uploads: Inputs that take uploads besides those known here (`object_info.Abilities`).
    """
    known = upload_inputs_with(uploads)
    found: dict[tuple[str, str, str], FileInput] = {}
    linked: list[Place] = []
    for node in graph:
        class_type = class_of(graph, node)
        for key, value in inputs_of(graph, node).items():
            if is_link(value):
                if (class_type, key) in known or _takes_path(class_type, key):
                    linked.append(Place(node, key))
                continue
            takes = (class_type, key) in known and isinstance(value, str)
            for text in (value,) if takes else _texts(value):
                if takes or names_file(class_type, key, text):
                    one = FileInput(node, key, text, _kind(text, takes=takes), takes)
                    found[node, key, text] = one
    for place in linked:
        source = settle(graph, place, "str")
        if source is not None:
            text = inputs_of(graph, source.node)[source.input]
            if not _URL.match(plain(text)):
                one = FileInput(source.node, source.input, text, _kind(text, takes=False))
                found.setdefault((source.node, source.input, text), one)
    return tuple(found.values())


def upload_inputs_with(more: frozenset[ClassInput]) -> frozenset[ClassInput]:
    """Every input that takes uploads: those known here, and those that backends tell of."""
    return (UPLOADS | more) - PATHS


def names_file(class_type: str, name: str, value: str) -> bool:
    """Whether the text of an input names a file or folder of the backend, as far as one can tell.

    An address on the web does not. A text in an input that speaks of files does if it looks like
    a path; one in any other input only if it leads out and has the suffix of a file, and never if
    the input holds words for people or for the model.
    """
    text = plain(value)
    if not text or len(text) > _LONGEST or _URL.match(text):
        return False
    if (class_type, name) in UPLOADS or (class_type, name) in PATHS:
        return True
    leads_out = is_absolute(text) or climbs(text)
    if _named_as_file(class_type, name):
        return leads_out or _SUFFIX.search(text) is not None
    return leads_out and _SUFFIX.search(text) is not None and _may_be_path(name)


def plain(value: str) -> str:
    """A file's name without ComfyUI's note of its folder, and without quotes and spaces around it.

    Custom nodes strip these before they look at the name.
    """
    for note, cut in _NOTES.items():
        if value.endswith(note):
            value = value[:-cut]
            break
    return value.strip(" \t\r\n\"'")


def has_note(value: str) -> bool:
    """Whether a name says which of the backend's folders it lies in: `x.png [output]`."""
    return value.endswith(tuple(_NOTES))


def is_absolute(text: str) -> bool:
    """Whether a path is absolute, on whatever system; so are all that lead to another drive."""
    return _ABSOLUTE.match(text) is not None


def climbs(text: str) -> bool:
    """Whether a path has a `..` among its parts; Windows ignores spaces behind it."""
    return ".." in text and any(part.strip() == ".." for part in re.split(r"[/\\]", text))


def _kind(value: str, *, takes: bool) -> FileKind:
    text = plain(value)
    if climbs(text):
        return "outside"
    if is_absolute(text):
        return "upload" if takes else "outside"
    return "name"


def _texts(value: Any) -> Iterator[str]:
    """The texts in a literal, however deep; of several lines, each may be a path."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            lines = [line for line in item.splitlines() if line.strip()]
            yield from lines if len(lines) > 1 else (item,)
        elif isinstance(item, dict):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)


def _named_as_file(class_type: str, name: str) -> bool:
    words = _words(name)
    return _takes_path(class_type, name) or (name != _OURS and not _WORDS.isdisjoint(words))


def _takes_path(class_type: str, name: str) -> bool:
    if (class_type, name) in PATHS:
        return True
    return name != _OURS and any(w in _PATH_WORDS or w.endswith(_ENDS) for w in _words(name))


def _may_be_path(name: str) -> bool:
    return name != _OURS and _TEXTS.isdisjoint(_words(name))


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    """The words of an input's name: `imagePath_2` is image, path."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name[:200])
    return tuple(re.findall(r"[a-z]+", parted.lower()))
