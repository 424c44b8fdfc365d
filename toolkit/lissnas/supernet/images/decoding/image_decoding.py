"""Decoding image files into RGB pixels; a file that cannot be decoded faithfully is refused with the reason."""

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Extensions of the files that count as images, as in torchvision's ImageFolder."""

_FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP")
_EIGHT_BIT_MODES = ("RGB", "L", "1", "P", "CMYK", "YCbCr", "RGBA", "LA", "RGBX")
"""Pillow's names of the modes with at most eight bits per channel."""


class UnreadableImageError(Exception):
    """An image cannot be used. The message is the reason."""


def decode_image(content: bytes) -> "Image":
    """Return the first frame of an image file as RGB.

    The three channels of a gray image are equal. Pillow converts CMYK without a color profile. Transparent pixels show
    the color that is stored under them. Images with 16 bits per channel are refused, because Pillow would cut them to
    eight.

    Raises
    ------
    UnreadableImageError
        If the file is no image, is truncated or damaged, has more pixels than Pillow considers safe, or more than
        eight bits per channel.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                if image.mode not in _EIGHT_BIT_MODES:
                    raise UnreadableImageError(f"pixels of mode {image.mode}, which has more than eight bits a channel")
                return image.convert("RGB")
    except UnreadableImageError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadableImageError("more pixels than are safe to decode") from error
    except Exception as error:  # decoders raise any kind of error on damaged files
        raise UnreadableImageError(_reason(error, content)) from error


def _reason(error: Exception, content: bytes) -> str:
    if not content:
        return "empty"
    if "cannot identify" in str(error):
        return "not an image in a supported format"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
