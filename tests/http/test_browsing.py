"""Gallery: the tree, one folder, one file."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import orjson
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.http.studio import (
    PROMPT,
    WORKFLOW,
    Service,
    Studio,
    graph,
    log_of,
    node,
    picture,
    refused,
)

FIRST = "Panel_01/Eliot_Panel_01_v001.png"


class TestScanTree:
    async def test_folders_with_their_counts(self, service: Service) -> None:
        """As documented: name, path and children; with the number of files."""
        answer = (await service.gallery("scan-tree")).plain
        assert [(f["name"], f["fileCount"]) for f in answer["tree"]] == [
            ("Panel_01", 3),
            ("Panel_02", 1),
            ("Panel_10", 1),
        ]
        assert answer["tree"][0]["path"] == str(service.project / "Panel_01")
        assert answer["tree"][0]["children"] == []
        assert (answer["fileCount"], answer["skipped"]) == (0, [])

    async def test_folders_in_folders(self, service: Service) -> None:
        """Nested, with paths relative to the project."""
        picture(service.project / "Panel_02" / "refs" / "a.png")
        tree = (await service.gallery("scan-tree")).plain["tree"]
        (refs,) = tree[1]["children"]
        assert (refs["relPath"], refs["fileCount"]) == ("Panel_02/refs", 1)

    async def test_natural_order(self, service: Service) -> None:
        """Panel_9 comes before Panel_10."""
        (service.project / "Panel_9").mkdir()
        tree = (await service.gallery("scan-tree")).plain["tree"]
        assert [f["name"] for f in tree][-2:] == ["Panel_9", "Panel_10"]

    async def test_the_services_folder_is_not_shown(self, service: Service) -> None:
        """Nor are other hidden folders."""
        await service.rate(FIRST, 1)
        (service.project / ".hidden").mkdir()
        tree = (await service.gallery("scan-tree")).plain["tree"]
        assert [f["name"] for f in tree] == ["Panel_01", "Panel_02", "Panel_10"]

    async def test_a_link_out_of_the_roots_is_not_followed(
        self, service: Service, tmp_path: Path
    ) -> None:
        """It is listed as skipped, with the reason."""
        (tmp_path / "private").mkdir()
        (service.project / "way_out").symlink_to(tmp_path / "private")
        answer = (await service.gallery("scan-tree")).plain
        assert "way_out" not in [f["name"] for f in answer["tree"]]
        (skipped,) = answer["skipped"]
        assert skipped["relPath"] == "way_out"
        assert skipped["reason"]


class TestScanFolder:
    async def test_files_as_documented(self, service: Service) -> None:
        """name, path, size, modified and type; with rating and tags."""
        files = (await service.gallery("scan-folder", folderPath="Panel_01")).plain["files"]
        first = files[0]
        path = service.project / FIRST
        assert [f["name"] for f in files] == [f"Eliot_Panel_01_v00{n}.png" for n in (1, 2, 3)]
        assert (first["path"], first["relPath"]) == (str(path), FIRST)
        assert (first["size"], first["type"]) == (path.stat().st_size, "image")
        assert (first["rating"], first["tags"], first["extension"]) == (0, [], ".png")
        assert first["modified"].endswith("Z")

    async def test_the_project_itself(self, service: Service) -> None:
        """Without a folder, or with `.`, the files directly in the project."""
        picture(service.project / "cover.png")
        for fields in ({}, {"folderPath": "."}, {"folderPath": str(service.project)}):
            files = (await service.gallery("scan-folder", **fields)).plain["files"]
            assert [f["relPath"] for f in files] == ["cover.png"]

    async def test_kinds_of_media(self, service: Service) -> None:
        """Pictures, videos and sounds; nothing else, and nothing hidden."""
        folder = service.project / "mix"
        folder.mkdir()
        for name in ("a.JPG", "b.mov", "c.wav", "notes.txt", ".d.png", "Thumbs.db", "e"):
            (folder / name).write_bytes(b"x")
        files = (await service.gallery("scan-folder", folderPath="mix")).plain["files"]
        assert [(f["name"], f["type"]) for f in files] == [
            ("a.JPG", "image"),
            ("b.mov", "video"),
            ("c.wav", "audio"),
        ]

    async def test_stars_and_tags_stand_beside(self, service: Service) -> None:
        """What people said is joined with what lies on the disk."""
        tag = await service.make_tag("Hero", "#51cf66")
        await service.rate(FIRST, 5)
        await service.gallery("file-tags", filePath=FIRST, addTags=[tag])
        files = (await service.gallery("scan-folder", folderPath="Panel_01")).plain["files"]
        assert files[0]["rating"] == 5
        assert files[0]["tags"] == [{"id": tag, "name": "Hero", "color": "#51cf66"}]
        assert files[1]["tags"] == []

    async def test_natural_order(self, service: Service) -> None:
        """2 comes before 10, and capitals do not come first."""
        for name in ("s10.png", "S2.png", "s1.png", "s2b.png", "a.png", "Z.png", "s02.png"):
            picture(service.project / "order" / name)
        files = (await service.gallery("scan-folder", folderPath="order")).plain["files"]
        names = ["a.png", "s1.png", "S2.png", "s02.png", "s2b.png", "s10.png", "Z.png"]
        assert [f["name"] for f in files] == names

    async def test_dimensions_come_from_the_index(self, service: Service) -> None:
        """Once it has read the files; a listing opens none."""
        await service.gallery("index")
        files = (await service.gallery("scan-folder", folderPath="Panel_01")).plain["files"]
        assert {(f["width"], f["height"]) for f in files} == {(48, 32)}

    async def test_times_stay_true(self, service: Service) -> None:
        """Renaming and moving is neither modifying nor creating."""
        path = service.project / FIRST
        os.utime(path, (1_700_000_000, 1_700_000_000))
        before = (await service.gallery("scan-folder", folderPath="Panel_01")).plain["files"][0]
        assert before["modified"].startswith("2023-11-14T22:13:20")
        await service.gallery("rename-file", filePath=FIRST, newName="hero.png")
        await service.gallery("move-files", files=["Panel_01/hero.png"], destination="Panel_02")
        files = (await service.gallery("scan-folder", folderPath="Panel_02")).plain["files"]
        (after,) = (file for file in files if file["name"] == "hero.png")
        for name in ("modified", "created", "size"):
            assert after[name] == before[name]

    async def test_files_that_cannot_be_read_are_listed(self, service: Service) -> None:
        """Whatever is in them."""
        for name in ("a.bmp", "b.tif", "c.avif", "d.exr", "e.png"):
            (service.project / "odd").mkdir(exist_ok=True)
            (service.project / "odd" / name).write_bytes(b"no picture")
        await service.gallery("index")
        files = (await service.gallery("scan-folder", folderPath="odd")).plain["files"]
        assert [f["name"] for f in files] == ["a.bmp", "b.tif", "c.avif", "d.exr", "e.png"]
        assert {f["width"] for f in files} == {None}

    async def test_names_in_other_scripts(self, service: Service) -> None:
        """Spelled as on disk; composed and decomposed letters are two names there."""
        for form in ("NFC", "NFD"):
            picture(service.project / "ä" / f"{unicodedata.normalize(form, 'Žluť')}-猫.png")
        files = (await service.gallery("scan-folder", folderPath="ä")).plain["files"]
        assert len(files) == 2
        for file in files:
            answer = await service.rate(file["relPath"], 2)
            assert answer.plain["ratings"] == {file["relPath"]: 2}

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
    async def test_a_name_that_is_no_text_hides_nothing(self, service: Service) -> None:
        """It cannot be sent as JSON; the other files are listed all the same."""
        folder = os.fsencode(service.project / "Panel_02")
        with open(os.path.join(folder, b"\xff\xfe.png"), "wb"):  # noqa: ASYNC230, PTH118, PTH123 # bytes
            pass
        files = (await service.gallery("scan-folder", folderPath="Panel_02")).plain["files"]
        assert len(files) == 1

    async def test_reading_creates_nothing(self, service: Service) -> None:
        """Not in the project, and not in the scanned folder."""
        before = sorted(service.project.rglob("*"))
        await service.gallery("scan-tree")
        await service.gallery("scan-folder", folderPath="Panel_01")
        await service.gallery("scan-recursive")
        await service.gallery("folder-stats")
        await service.gallery("file-info", filePath=FIRST)
        await service.gallery("index")
        await service.gallery("search", query="x")
        await service.gallery("find-duplicates", kind="looks")
        await service.get("/api/thumbnail", path=str(service.project / FIRST))
        for name in ("ratings", "tags", "notes", "views", "trash", "history", "relink", "index"):
            await service.ask(name)
        await service.ask("diff", **{"from": "2026-01-01T00:00:00Z"})
        assert sorted(service.project.rglob("*")) == before

    async def test_a_missing_folder(self, service: Service) -> None:
        """404, and not an empty list."""
        answer = await service.gallery("scan-folder", folderPath="Panel_99")
        refused(answer, 404, "file.missing")

    async def test_a_file_is_no_folder(self, service: Service) -> None:
        """404 as well."""
        refused(await service.gallery("scan-folder", folderPath=FIRST), 404, "file.missing")


class TestFileInfo:
    async def test_everything_about_a_file(self, service: Service) -> None:
        """Dimensions, and what ComfyUI wrote into it."""
        answer = (await service.gallery("file-info", filePath=FIRST)).plain
        file = answer["file"]
        assert (file["width"], file["height"], file["problem"]) == (48, 32, None)
        assert (file["assetId"], file["lineage"]) == (None, None)
        assert answer["pngMetadata"] == {
            "prompt": PROMPT,
            "workflow": WORKFLOW,
            "parameters": None,
        }

    async def test_how_it_was_made(self, service: Service) -> None:
        """Read from the graph, from its output back; nodes that fed nothing do not count."""
        made = graph("a castle at dusk")
        made["99"] = node("CLIPTextEncode", clip=["4", 1], text="left over")
        texts = PngInfo()
        texts.add_text("prompt", orjson.dumps(made).decode())
        Image.new("RGB", (64, 64)).save(service.project / "made.png", pnginfo=texts)
        answer = (await service.gallery("file-info", filePath="made.png")).plain
        assert answer["recipe"] == {
            "prompt": "a castle at dusk",
            "negativePrompt": "blurry",
            "models": ["sd_xl_base_1.0.safetensors"],
            "loras": [],
            "sampler": "euler",
            "scheduler": "normal",
            "steps": 3,
            "cfg": 7.0,
            "seed": 1,
        }

    async def test_an_edited_file_has_an_identity(self, service: Service) -> None:
        """From its first edit on."""
        await service.rate(FIRST, 3)
        file = (await service.gallery("file-info", filePath=FIRST)).plain["file"]
        assert len(file["assetId"]) == 32
        assert file["rating"] == 3

    async def test_by_its_absolute_path(self, service: Service) -> None:
        """The existing frontend speaks so."""
        path = str(service.project / FIRST)
        file = (await service.gallery("file-info", filePath=path)).plain["file"]
        assert file["relPath"] == FIRST

    async def test_by_a_windows_path(self, service: Service) -> None:
        """Backslashes are separators, whoever sends them."""
        answer = await service.gallery("file-info", filePath=FIRST.replace("/", "\\"))
        assert answer.plain["file"]["relPath"] == FIRST

    async def test_without_metadata(self, service: Service) -> None:
        """Nothing is made up."""
        picture(service.project / "plain.png", told=False)
        answer = (await service.gallery("file-info", filePath="plain.png")).plain
        assert (answer["pngMetadata"], answer["recipe"]) == (None, None)

    @pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow grumbles before it gives up
    @pytest.mark.parametrize(
        "suffix", ["png", "jpg", "webp", "gif", "bmp", "tiff", "avif", "jxl", "exr", "mp4", "wav"]
    )
    async def test_a_broken_file_is_described_as_far_as_it_goes(
        self, service: Service, suffix: str
    ) -> None:
        """Whatever the bytes are: no failure, and no made-up size."""
        for data in (
            b"",
            b"\0" * 100,
            b"II*\0\x08\0\0\0\xff\xff",
            b"RIFF\0\0",
            b"\xff\xd8\xff\xe0",
        ):
            (service.project / f"broken.{suffix}").write_bytes(data)
            answer = await service.gallery("file-info", filePath=f"broken.{suffix}")
            assert answer.status == 200, answer.body
            file = answer.plain["file"]
            assert (file["width"], file["height"], file["size"]) == (None, None, len(data))

    async def test_a_cut_off_png(self, service: Service) -> None:
        """What was read before the cut is told, with what is wrong."""
        whole = (service.project / FIRST).read_bytes()
        (service.project / "cut.png").write_bytes(whole[:60])
        file = (await service.gallery("file-info", filePath="cut.png")).plain["file"]
        assert (file["width"], file["height"]) == (48, 32)
        assert file["problem"]
        assert file["note"] == "", "that is what people say of it"

    async def test_a_missing_file(self, service: Service) -> None:
        """404 with the path."""
        answer = await service.gallery("file-info", filePath="Panel_01/none.png")
        assert "none.png" in refused(answer, 404, "file.missing")["message"]

    async def test_no_media(self, service: Service) -> None:
        """Other files are none of the gallery's business."""
        (service.project / "secret.txt").write_text("x")
        answer = await service.gallery("file-info", filePath="secret.txt")
        refused(answer, 422, "path.invalid")


class TestWhereProjectsMayLie:
    async def test_only_in_the_roots(self, service: Service, tmp_path: Path) -> None:
        """403 for everything else, whether it exists or not; the roots are named."""
        for place in (tmp_path, tmp_path / "nowhere", Path("/etc")):
            answer = await service.post("/api/gallery/scan-tree", {"projectPath": str(place)})
            detail = refused(answer, 403, "path.not_permitted")["detail"]
            assert str(service.project.parent) in detail["roots"]

    async def test_a_missing_project(self, studio: Studio, service: Service) -> None:
        """404."""
        path = str(studio.share / "Nobody")
        answer = await service.post("/api/gallery/scan-tree", {"projectPath": path})
        refused(answer, 404, "file.missing")

    async def test_two_spellings_are_one_project(self, service: Service) -> None:
        """With and without a slash at the end, and through a link."""
        link = service.project.parent / "current"
        link.symlink_to(service.project)
        await service.rate(FIRST, 4)
        for spelling in (f"{service.project}/", str(link)):
            answer = await service.get("/api/gallery/ratings", projectPath=spelling)
            assert answer.plain == {"ratings": {FIRST: 4}}
        assert (await service.get("/health")).plain["projects_open"] == 2  # and the host's own
        assert "FORMAT" in log_of(service.project)
