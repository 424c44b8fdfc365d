"""Image files are decoded into pixels, or refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lissnas.supernet.images.decoding.image_decoding import UnreadableImageError, decode_image
from PIL import Image


def _encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8))
JPEG = _encoded(NOISE, "JPEG")


def test_decoding_returns_the_pixels_of_the_file() -> None:
    assert np.array_equal(np.asarray(decode_image(_encoded(NOISE))), np.asarray(NOISE))


def test_the_channels_of_a_gray_image_are_equal() -> None:
    gray = NOISE.convert("L")
    pixels = np.asarray(decode_image(_encoded(gray)))
    assert np.array_equal(pixels, np.repeat(np.asarray(gray)[..., None], 3, axis=2))


def test_cmyk_red_is_red() -> None:
    """No cyan, full magenta, full yellow, no black. A color profile could give another red; none is used."""
    red = Image.new("CMYK", (20, 20), (0, 255, 255, 0))
    pixel = np.asarray(decode_image(_encoded(red, "JPEG")))[10, 10]
    assert np.abs(pixel.astype(int) - [255, 0, 0]).max() <= 3


def test_a_transparent_pixel_has_its_stored_color() -> None:
    image = Image.new("RGBA", (4, 4), (10, 20, 30, 0))
    assert np.asarray(decode_image(_encoded(image))).reshape(-1, 3).tolist() == [[10, 20, 30]] * 16


def test_the_extension_does_not_matter() -> None:
    """ImageNet has a PNG file whose name ends in .JPEG."""
    assert decode_image(_encoded(NOISE, "PNG")).mode == decode_image(JPEG).mode == "RGB"


def test_images_with_sixteen_bits_per_channel_are_refused() -> None:
    deep = Image.fromarray(np.full((4, 4), 40_000, dtype=np.uint16))
    with pytest.raises(UnreadableImageError, match="more than eight bits a channel"):
        decode_image(_encoded(deep))


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_truncated_image_is_refused(share: float) -> None:
    with pytest.raises(UnreadableImageError, match=r"[Tt]runcated"):
        decode_image(JPEG[: int(len(JPEG) * share)])


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "empty"), (b"<html>404</html>", "not an image"), (bytes(1000), "not an image")]
)
def test_a_file_that_is_no_image_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        decode_image(content)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    """A few bytes that claim to be 100 million pixels, or 3.6 billion."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(100))) + _chunk(b"IEND", b"")
    )
    with pytest.raises(UnreadableImageError, match="more pixels than are safe"):
        decode_image(bomb)


@given(st.data())
def test_damaged_files_are_decoded_or_refused(data: st.DataObject) -> None:
    content = bytearray(
        data.draw(st.sampled_from([JPEG, *(_encoded(NOISE, kind) for kind in ("PNG", "TIFF", "WEBP"))]))
    )
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=20)
    ):
        content[place] = value
    try:
        image = decode_image(bytes(content))
    except UnreadableImageError:
        return
    assert image.mode == "RGB"
