"""A figure of the report: its picture without the caption, which is text of the page."""

import re
from html import escape, unescape

from lissnas_analyses import style
from lissnas_analyses.report.packed import Packed

_CAPTION_LINE = 8.0
"""Height of a line of a caption in points, with the gap above it."""


def picture(drawing: bytes, name: str, packed: Packed, links: str = "", narrow: bytes = b"") -> str:
    """Return an SVG of this project as a figure of the page, with its caption and links to its data.

    `narrow` is a drawing of the same for phones; without it a phone scrolls the figure sideways.
    """
    title, caption = (_metadata(drawing, element) for element in ("title", "description"))
    title = title or escape(name)
    shown = _image(drawing, title, packed, "wide" if narrow else "")
    if narrow:
        shown += _image(narrow, title, packed, "narrow")
    data = f"<p>Its data: {links}</p>" if links else ""
    return (
        f'<figure><div class="drawing"><button type="button" class="zoom" aria-label="Enlarge: {title}">{shown}'
        f"</button></div><figcaption><p>{caption}</p>{data}</figcaption></figure>"
    )


def _image(drawing: bytes, title: str, packed: Packed, shape: str) -> str:
    """Return the element of a drawing, which knows its size before the page unpacks it."""
    shown = _without_caption(drawing)
    size = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', shown)
    width, height = (float(size[1]), float(size[2])) if size else (0.0, 0.0)
    place = f' width="{width:.0f}" height="{height:.0f}" style="--width: {width:.0f}pt"' if size else ""
    of_shape = f' class="{shape}"' if shape else ""
    return f'<img{of_shape} alt="{title}"{place} data-packed="{packed.add(shown)}">'


def _metadata(drawing: bytes, element: str) -> str:
    """Return an element of an SVG's metadata, escaped for HTML; "" if it is missing."""
    match = re.search(f"<dc:{element}>(.*?)</dc:{element}>", drawing.decode(errors="replace"), re.DOTALL)
    return escape(unescape(match[1])) if match else ""


def _without_caption(drawing: bytes) -> bytes:
    """Return an SVG with two decimals and without the caption at its bottom, if it has one."""
    text = re.sub(r"(\d\.\d\d)\d+", r"\1", drawing.decode(errors="replace"))
    caption = re.search(rf'<g id="{style.CAPTION_ID}">.*?</g>', text, re.DOTALL)
    size = re.search(r'height="([\d.]+)pt" viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    lines = re.findall(r"translate\([\d.]+ ([\d.]+)\)", caption[0]) if caption else []
    if not caption or not size or not lines:
        return text.encode()
    height = f"{min(map(float, lines)) - _CAPTION_LINE:.6g}"
    cropped = f'height="{height}pt" viewBox="0 0 {size[2]} {height}"'
    return text.replace(caption[0], "").replace(size[0], cropped, 1).encode()
