"""What becomes of the bytes of image files, good ones and bad ones."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.supernet.images.image_decoding import UnreadableImageError, decoded
from PIL import Image


def _encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8))
JPEG = _encoded(NOISE, "JPEG")


def test_pixels_are_those_of_the_file() -> None:
    assert np.array_equal(np.asarray(decoded(_encoded(NOISE))), np.asarray(NOISE))


def test_a_grey_image_has_the_same_value_in_every_channel() -> None:
    gray = NOISE.convert("L")
    pixels = np.asarray(decoded(_encoded(gray)))
    assert np.array_equal(pixels, np.repeat(np.asarray(gray)[..., None], 3, axis=2))


def test_cmyk_red_is_red() -> None:
    """No cyan, all magenta, all yellow, no black; a profile could make another red of it, and is not used."""
    red = Image.new("CMYK", (20, 20), (0, 255, 255, 0))
    pixel = np.asarray(decoded(_encoded(red, "JPEG")))[10, 10]
    assert np.abs(pixel.astype(int) - [255, 0, 0]).max() <= 3


def test_what_is_transparent_has_the_color_that_is_stored() -> None:
    image = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert np.asarray(decoded(_encoded(image))).reshape(-1, 3).tolist() == [[10, 20, 30]] * 16


def test_the_extension_decides_nothing() -> None:
    """As of the PNG file in ImageNet whose name ends in .JPEG."""
    assert decoded(_encoded(NOISE, "PNG")).mode == decoded(JPEG).mode == "RGB"


def test_sixteen_bits_are_not_cut_to_eight() -> None:
    deep = Image.fromarray(np.full((4, 4), 40_000, dtype=np.uint16))
    with pytest.raises(UnreadableImageError, match="not of eight bits a channel"):
        decoded(_encoded(deep))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_an_image_cut_short_is_refused(share: float) -> None:
    with pytest.raises(UnreadableImageError, match=r"[Tt]runcated"):
        decoded(JPEG[: int(len(JPEG) * share)])


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"<html>404</html>", "no image"), (bytes(1000), "no image")]
)
def test_what_is_no_image_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        decoded(content)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    """A few bytes that say they are 100 million pixels, or 3.6 thousand million."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(100))) + _chunk(b"IEND", b"")
    )
    with pytest.raises(UnreadableImageError, match="more pixels than are safe"):
        decoded(bomb)


@given(st.data())
def test_damaged_files_are_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    content = bytearray(
        data.draw(st.sampled_from([JPEG, *(_encoded(NOISE, kind) for kind in ("PNG", "TIFF", "WEBP"))]))
    )
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=20)
    ):
        content[place] = value
    try:
        image = decoded(bytes(content))
    except UnreadableImageError:
        return
    assert image.mode == "RGB"
