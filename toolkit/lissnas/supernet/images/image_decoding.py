"""From the bytes of an image file to RGB pixels; what cannot honestly become that is refused with the reason."""

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

EXTENSIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Of the files that are taken for images, as torchvision's ImageFolder has them."""

_FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP")
_EIGHT_BITS = ("RGB", "L", "1", "P", "CMYK", "YCbCr", "RGBA", "LA", "RGBX")
"""Pillow's names of the kinds of pixels of eight bits a channel or fewer."""


class UnreadableImageError(Exception):
    """An image that cannot be used; the message is the reason."""


def decoded(content: bytes) -> "Image":
    """Return the image that a file holds, in RGB, its first frame.

    Grey images have the same value three times then; CMYK is converted by Pillow without a color profile; transparent
    pixels show the color that is stored beneath. Images of 16 bits a channel are refused: they would be cut to eight.

    Raises
    ------
    UnreadableImageError
        If it is no image, is cut short or damaged, has more pixels than Pillow deems safe, or more bits a channel.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                if image.mode not in _EIGHT_BITS:
                    raise UnreadableImageError(f"pixels of the kind {image.mode}, not of eight bits a channel")
                return image.convert("RGB")
    except UnreadableImageError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise UnreadableImageError("more pixels than are safe to decode") from error
    except Exception as error:  # Decoders raise whatever they stumble over.
        raise UnreadableImageError(_reason(error, content)) from error


def _reason(error: Exception, content: bytes) -> str:
    if not content:
        return "empty"
    if "cannot identify" in str(error):
        return "no image in a format that is read here"
    return str(error).splitlines()[0] if str(error) else type(error).__name__
