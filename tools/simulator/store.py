"""The simulated server's folders: names of output files, uploads, and which paths are allowed."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import define, field, frozen

#: Folders of models, in the order in which ComfyUI 0.3.75 lists them (transcript s12).
MODEL_FOLDERS: Final = (
    "checkpoints", "configs", "loras", "vae", "text_encoders", "diffusion_models", "clip_vision",
    "style_models", "embeddings", "diffusers", "vae_approx", "controlnet", "gligen",
    "upscale_models", "latent_upscale_models", "custom_nodes", "hypernetworks", "photomaker",
    "classifiers", "model_patches", "audio_encoders",
)  # fmt: skip

#: Models that are said to be installed when `Behaviour.models` is set.
PRETENDED: Final[Mapping[str, tuple[str, ...]]] = {
    "checkpoints": (
        "flux1-dev-fp8.safetensors",
        "sd_xl_base_1.0.safetensors",
        "v1-5-pruned-emaonly.safetensors",
    ),
    "loras": ("add-detail-xl.safetensors", "film-grain.safetensors"),
    "vae": ("ae.safetensors", "vae-ft-mse-840000-ema-pruned.safetensors"),
    "diffusion_models": ("flux1-dev.safetensors", "flux1-schnell.safetensors"),
    "text_encoders": (
        "clip_l.safetensors",
        "t5xxl_fp16.safetensors",
        "t5xxl_fp8_e4m3fn.safetensors",
    ),
}

_MARKS: Final = {" [output]": "output", " [input]": "input", " [temp]": "temp"}
_MODEL_SUFFIXES: Final = {".safetensors", ".ckpt", ".pt", ".pth", ".sft", ".gguf", ".bin"}


class OutsideFolderError(Exception):
    """A path that leaves the folder it must stay in; the text is ComfyUI's."""


@frozen
class SaveTarget:
    """Where the next output files of one node go."""

    folder: Path
    stem: str
    counter: int
    subfolder: str

    def name(self, index: int, suffix: str) -> str:
        """File name of the picture with this index in the batch; `suffix` has its dot."""
        stem = self.stem.replace("%batch_num%", str(index))
        return f"{stem}_{self.counter + index:05}_{suffix}"


def _absolute(root: Path) -> Path:
    return root.absolute()


@define
class Store:
    """The folders input, output, temp and models below one root.

    All methods touch the disk: call them in a thread.
    """

    root: Path = field(converter=_absolute)
    chance: random.Random = field(factory=random.Random)

    def start(self) -> None:
        """Make the folders; temp is emptied, as ComfyUI does whenever it starts.

        The folder itself stays: a thread of the life before may be about to write into it, which
        of the real server would be dead.
        """
        for name in ("input", "output", "temp", "models"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        for left in (self.root / "temp").iterdir():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)

    def directory(self, kind: str) -> Path | None:
        """The folder of a type as in `/view?type=`; None for an unknown one."""
        return self.root / kind if kind in ("input", "output", "temp") else None

    def annotated(self, name: str) -> tuple[str, Path | None]:
        """Split `x.png [temp]` into the name and the folder meant; None when not said."""
        for mark, kind in _MARKS.items():
            if name.endswith(mark):
                return name[: -len(mark)], self.directory(kind)
        return name, None

    def save_target(self, prefix: str, kind: str = "output") -> SaveTarget:
        """Choose names after the highest number on disk, as ComfyUI's get_save_image_path does.

        Raises:
            OutsideFolderError: the prefix leads out of the folder.
        """
        base = self.root / kind
        tidy = os.path.normpath(prefix)
        subfolder, stem = os.path.split(tidy)
        folder = Path(os.path.abspath(base / subfolder))  # noqa: PTH100 - Path.resolve would follow links, ComfyUI does not
        if not folder.is_relative_to(base):
            common = os.path.commonpath((base, folder))
            raise OutsideFolderError(
                "**** ERROR: Saving image outside the output folder is not allowed.\n"
                f" full_output_folder: {folder}\n         output_dir: {base}\n"
                f"         commonpath: {common}"
            )
        folder.mkdir(parents=True, exist_ok=True)
        taken = (_number_in(entry.name, stem) for entry in os.scandir(folder))
        counter = max(taken, default=0) + 1
        return SaveTarget(folder, stem, counter, subfolder)

    def temp_prefix(self) -> str:
        """A prefix such as PreviewImage uses, with five letters of chance."""
        letters = "".join(self.chance.choice("abcdefghijklmnopqrstupvxyz") for _ in range(5))
        return f"ComfyUI_temp_{letters}"

    def input_path(self, name: str) -> Path | None:
        """The file that LoadImage means; None if it is absent or outside the three folders.

        ComfyUI itself reads any file of its host here (protocol 4.12). A simulator on a
        developer's machine must not, so it stays within its own folders.
        """
        plain, folder = self.annotated(name)
        base = folder or self.root / "input"
        path = (base / plain).resolve()
        roots = (self.root / kind for kind in ("input", "output", "temp"))
        inside = any(path.is_relative_to(root.resolve()) for root in roots)
        return path if inside and path.is_file() else None

    def choices(self, source: str, *, pretend: bool) -> list[str]:
        """Names that an input may choose from: pictures in input/, or models of a kind."""
        if source == "input":
            names = (entry.name for entry in os.scandir(self.root / "input") if entry.is_file())
            return sorted(n for n in names if (mimetypes.guess_type(n)[0] or "")[:6] == "image/")
        pretended = PRETENDED.get(source, ()) if pretend else ()
        return sorted({*pretended, *self._models_on_disk(source)})

    def _models_on_disk(self, kind: str) -> list[str]:
        base = self.root / "models" / kind
        files = (path for path in base.rglob("*") if path.suffix.lower() in _MODEL_SUFFIXES)
        return [path.relative_to(base).as_posix() for path in files]

    def save_upload(
        self, kind: str, subfolder: str, filename: str, content: bytes, *, overwrite: bool
    ) -> str | None:
        """Store an upload; the name that it got, or None if the path leaves the folder.

        The same bytes under the same name are kept once; other bytes become `x (1).png`.
        """
        base = self.root / kind
        folder = os.path.join(base, os.path.normpath(subfolder))  # noqa: PTH118 - an absolute subfolder must win, as in ComfyUI
        path = Path(os.path.abspath(os.path.join(folder, filename)))  # noqa: PTH100, PTH118 - as above
        if not path.is_relative_to(base) or path == base:
            return None
        path.parent.mkdir(parents=True, exist_ok=True)
        stem, suffix = os.path.splitext(filename)  # noqa: PTH122 - the name may hold a folder, which must stay
        name, number = filename, 1
        while not overwrite and path.exists():
            if _digest(path.read_bytes()) == _digest(content):
                return name
            name = f"{stem} ({number}){suffix}"
            path = Path(folder) / name
            number += 1
        path.write_bytes(content)
        return name

    def delete(self, filename: str, subfolder: str = "", kind: str = "output") -> bool:
        """Remove a file behind the server's back; False if there is none."""
        base = self.root / kind
        path = (base / subfolder / filename).resolve()
        if not path.is_relative_to(base.resolve()) or not path.is_file():
            return False
        path.unlink()
        return True


def _number_in(name: str, stem: str) -> int:
    """The counter in `stem_00012_.png`; 0 if the file has another prefix or no number."""
    if name[: len(stem) + 1] != f"{stem}_":
        return 0
    digits = name[len(stem) + 1 :].split("_")[0]
    return int(digits) if digits.isdecimal() else 0


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
