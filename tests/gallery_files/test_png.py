"""Reading a PNG's size and texts: every text chunk, damage, and hostile files."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from orchestrator.errors import PngUnreadable
from orchestrator.gallery.png import MAX_TEXT, read_head
from tests.gallery_files.pngs import SIGNATURE, chunk, ihdr, itxt, png, text, ztxt


class TestTexts:
    def test_as_comfyui_saves_them(self, tmp_path: Path) -> None:
        """ComfyUI saves with Pillow's PngInfo: prompt and workflow before the picture."""
        info = PngImagePlugin.PngInfo()
        info.add_text("prompt", '{"3": {"class_type": "KSampler"}}')
        info.add_text("workflow", '{"nodes": []}')
        file = tmp_path / "ComfyUI_00001_.png"
        Image.new("RGB", (832, 1216)).save(file, pnginfo=info, compress_level=4)

        head = read_head(file)

        assert (head.width, head.height, head.damaged) == (832, 1216, None)
        assert head.texts == {
            "prompt": '{"3": {"class_type": "KSampler"}}',
            "workflow": '{"nodes": []}',
        }

    @pytest.mark.parametrize(
        "made",
        [
            text("parameters", "café".encode()),
            text("parameters", "café".encode("latin-1")),
            ztxt("parameters", "café".encode("latin-1")),
            itxt("parameters", "café".encode()),
            itxt("parameters", "café".encode(), packed=True),
        ],
    )
    def test_every_kind_of_text_chunk(self, made: bytes) -> None:
        """Plain, compressed and international; UTF-8 and Latin-1."""
        assert read_head(png(made)).texts == {"parameters": "café"}

    def test_the_last_of_two_wins(self) -> None:
        """As Pillow has it."""
        assert read_head(png(text("a", b"1"), text("a", b"2"))).texts == {"a": "2"}

    def test_texts_after_the_picture_on_request(self) -> None:
        """They cost reading past the picture's data, so they are asked for."""
        data = png(text("a", b"1"), after=text("b", b"2"))

        assert read_head(data).texts == {"a": "1"}
        assert read_head(data, trailing=True).texts == {"a": "1", "b": "2"}

    def test_texts_beyond_the_first_read(self, tmp_path: Path) -> None:
        """Big workflows, colour profiles and pictures lie between; a path reads like bytes."""
        big = b"w" * 300_000
        profile = chunk(b"iCCP", os.urandom(200_000))
        data = png(text("workflow", big), profile, text("prompt", b"p"), after=text("z", b"last"))
        file = tmp_path / "a.png"
        file.write_bytes(data)

        head = read_head(file, trailing=True)

        assert head == read_head(data, trailing=True)
        assert head.texts == {"workflow": big.decode(), "prompt": "p", "z": "last"}

    @given(
        st.lists(
            st.tuples(
                st.sampled_from([text, ztxt, itxt]),
                st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1),
                st.text(max_size=200),
            ),
            max_size=5,
        )
    )
    def test_what_is_written_is_read(self, made: list[tuple[object, str, str]]) -> None:
        """Keywords up to 79 letters, any text."""
        made = [(maker, keyword[:79], value) for maker, keyword, value in made]
        chunks = [maker(keyword, value.encode()) for maker, keyword, value in made]  # type: ignore[operator]  # sampled_from loses the type

        head = read_head(png(*chunks))

        assert head.damaged is None
        assert head.texts == {keyword: value for _, keyword, value in made}


class TestNoPng:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "empty"),
            (b"\xff\xd8\xff\xe0" + b"x" * 100, "does not begin"),
            (SIGNATURE, "ends after 8 bytes"),
            ((SIGNATURE + ihdr())[:32], "ends after 32 bytes"),
            (SIGNATURE + text("a", b"x" * 40), "first chunk is not IHDR"),
            (SIGNATURE + ihdr(0, 5), "0 x 5"),
            (SIGNATURE + ihdr(2**31, 5), "2147483648 x 5"),
            (SIGNATURE + ihdr()[:-1] + b"\0", "checksum"),
        ],
    )
    def test_is_told(self, tmp_path: Path, data: bytes, reason: str) -> None:
        """With the file's name and what is wrong."""
        file = tmp_path / "a.png"
        file.write_bytes(data)
        with pytest.raises(PngUnreadable, match=reason) as refused:
            read_head(file)

        assert refused.value.detail()["path"] == str(file)

    def test_a_missing_file_is_an_os_error(self, tmp_path: Path) -> None:
        """Whoever opens it knows what that means."""
        with pytest.raises(FileNotFoundError):
            read_head(tmp_path / "none.png")


class TestDamage:
    def test_a_torn_file_gives_what_was_read(self) -> None:
        """The size and the first text stand; the note says where the file ends."""
        data = png(text("a", b"1"), text("b", b"x" * 1000))
        head = read_head(data[:600])

        assert (head.width, head.height, head.texts) == (64, 48, {"a": "1"})
        assert head.damaged == "the file ends inside the chunk at byte 48"

    def test_a_file_that_ends_before_the_picture(self) -> None:
        """Nothing follows the first chunk."""
        assert read_head(SIGNATURE + ihdr()).damaged == "the file ends at byte 33, before IEND"

    @pytest.mark.parametrize(
        ("made", "note"),
        [
            (text("a", b"1")[:-1] + b"\0", "wrong checksum"),
            (chunk(b"tEXt", b"no separator"), "no keyword"),
            (chunk(b"tEXt", b"\0text"), "no keyword"),
            (chunk(b"tEXt", b"k" * 80 + b"\0text"), "no keyword"),
            (chunk(b"zTXt", b"a\0\x01" + zlib.compress(b"x")), "unknown way"),
            (chunk(b"zTXt", b"a\0\0" + b"garbage"), "cannot be decompressed"),
            (chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 99)[:-5]), "cut off"),
            (chunk(b"zTXt", b"a\0"), "unknown way"),
            (chunk(b"iTXt", b"a\0\0"), "cut off"),
            (chunk(b"iTXt", b"a\0\0\0fr\0"), "cut off"),
        ],
    )
    def test_a_broken_text_is_left_out(self, made: bytes, note: str) -> None:
        """The others are read, and the note says which was not."""
        head = read_head(png(text("before", b"1"), made, text("after", b"2")))

        assert head.texts == {"before": "1", "after": "2"}
        assert note in (head.damaged or "")
        assert "at byte 53" in (head.damaged or "")

    def test_an_impossible_length_ends_the_reading(self) -> None:
        """Nothing after it can be found."""
        head = read_head(SIGNATURE + ihdr() + text("a", b"1") + b"\xff\xff\xff\xfftEXt")

        assert head.texts == {"a": "1"}
        assert "impossible length" in (head.damaged or "")

    @pytest.mark.parametrize("make", [ztxt, lambda k, v: itxt(k, v, packed=True)])
    def test_a_bomb_does_not_go_off(self, make: object) -> None:
        """200 MB of text in 200 kB are given up at the limit."""
        bomb = make("workflow", b"\0" * (MAX_TEXT + 1))  # type: ignore[operator]  # two makers
        head = read_head(png(bomb, text("prompt", b"p")))

        assert head.texts == {"prompt": "p"}
        assert "more than 16777216 bytes" in (head.damaged or "")

    def test_many_small_bombs_share_the_limit(self) -> None:
        """The limit is for all texts together."""
        part = b"\0" * (MAX_TEXT // 4)
        head = read_head(png(*(ztxt(f"k{i}", part) for i in range(6))))

        assert sorted(head.texts) == ["k0", "k1", "k2", "k3"]
        assert head.damaged is not None

    def test_a_huge_plain_text_is_not_read(self, tmp_path: Path) -> None:
        """A length beyond the limit is skipped, also where the file is not that long."""
        file = tmp_path / "a.png"
        file.write_bytes(SIGNATURE + ihdr() + (MAX_TEXT + 1).to_bytes(4, "big") + b"tEXta\0b")

        assert "more than 16777216 bytes" not in (read_head(file).damaged or "")
        assert "before IEND" in (read_head(file).damaged or "")

    def test_endless_chunks_come_to_an_end(self) -> None:
        """A file of nothing but empty chunks."""
        assert "chunks" in (read_head(SIGNATURE + ihdr() + chunk(b"gAMA") * 100_001).damaged or "")

    @given(st.data())
    def test_any_flipped_or_missing_byte_is_survived(self, data: st.DataObject) -> None:
        """Whatever happened to the file, there is an answer or a clear refusal."""
        whole = bytearray(png(text("a", b"1"), ztxt("b", b"2"), itxt("c", b"3", packed=True)))
        for _ in range(data.draw(st.integers(1, 3))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(whole)))
        try:
            head = read_head(bytes(whole[:cut]), trailing=data.draw(st.booleans()))
        except PngUnreadable:
            return

        assert head.texts.items() <= {"a": "1", "b": "2", "c": "3"}.items()


class TestShorterWay:
    """Files as nearly all are take one; whatever is odd about a file, it makes no difference."""

    @given(st.data())
    def test_it_reads_the_same(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        """Given as a path or as bytes, which go the long way; cut off or changed anywhere."""
        parts = (
            st.builds(text, st.sampled_from(["prompt", "a", "", "k" * 80]), st.binary(max_size=40)),
            st.builds(itxt, st.just("workflow"), st.just(b"{}")),
            st.builds(ztxt, st.just("workflow"), st.just(b"{}")),
            st.sampled_from([chunk(b"pHYs", b"123"), chunk(b"acTL", b"12345678")]),
        )
        made = bytearray(
            png(*data.draw(st.lists(st.one_of(parts), max_size=4)), after=text("z", b"z"))
        )
        if data.draw(st.booleans()):
            at = data.draw(st.integers(0, len(made) - 1))
            made[at] = data.draw(st.integers(0, 255))
        if data.draw(st.booleans()):
            del made[data.draw(st.integers(0, len(made))) :]
        file = tmp_path_factory.mktemp("png") / "a.png"
        file.write_bytes(made)

        assert _told(file) == _told(bytes(made))


def _told(source: Path | bytes) -> object:
    try:
        return read_head(source)
    except PngUnreadable as exc:
        return exc.reason
