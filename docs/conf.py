"""Sphinx configuration of the documentation; `make docs` builds it."""

import csv
import importlib.metadata
import re
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

project = "lissnas"
author = "the lissnas contributors"
project_copyright = "the lissnas contributors, Apache-2.0"
release = version = importlib.metadata.version("lissnas")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "cyclopts.ext.sphinx",
]
exclude_patterns = ["_build", "jupyter_execute", "examples", "measured"]
nitpicky = True
nitpick_ignore_regex = [
    # Names of other projects: no pages are fetched, so the site builds without a network.
    (r"py:.*", r"(numpy|np|npt|polars|pl|torch|matplotlib|scipy|sklearn|PIL)\b.*"),
    (r"py:.*", r"(optuna|joblib|ConfigSpace|distributed|cyclopts|types)\b.*"),
    (r"py:.*", r"(collections|pathlib|abc|enum|typing|functools|contextlib|concurrent|multiprocessing)\b.*"),
    (r"py:.*", r"(Any|Path|Callable|Iterator|Iterable|Sequence|Mapping|Protocol|Generator|Literal)"),
    (r"py:.*", r"(NDArray|ABC|Axes|Figure|Arguments|Image|Tensor)"),
    (r"py:class", r"(optional|callable|array|module|default.*)"),
    (r"py:.*", r".*\b_\w+"),  # private names have no page
    (r"py:.*", r"lissnas.*\.(Batch|Job|Kind|Point|Result)"),  # type variables
]

# Pages
html_theme = "furo"
html_title = "lissnas"
html_static_path = ["_static"]
html_css_files = ["lissnas.css"]
html_js_files = ["sortable.js"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}
copybutton_prompt_text = "$ "
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"  # browsers draw it without a script or a network
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

# Reference
default_role = "code"  # the role of single backticks in docstrings
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_default_options = {
    "members": True,
    "special-members": "__call__",  # the method of evaluators that scores rows
    "show-inheritance": True,
    "member-order": "bysource",
}
autodoc_inherit_docstrings = False
autodoc_typehints_format = "short"
napoleon_google_docstring = False
napoleon_use_rtype = False
templates_path = ["_templates"]

_ARRAY = r"~?numpy\.ndarray\[tuple\[(?:~?typing\.)?Any, \.\.\.\], ~?numpy\.dtype\[{}\]\]"
_SHORTER = tuple(
    (re.compile(long), short)
    for long, short in (
        (_ARRAY.format(r"~?numpy\.uint8"), "Rows"),
        (_ARRAY.format(r"~?numpy\.int64"), "Indices"),
        (_ARRAY.format(r"~?numpy\.float64"), "Floats"),
        (_ARRAY.format(r"([^\]]*)"), r"NDArray[\1]"),
        (r"<function (?:[^<>]|<[^<>]*>)*>|<factory>", "..."),  # Sphinx reads the types beside valid Python only
    )
)
_HEADING = re.compile(r"-{3,}")

_LONGEST_VALUE = 100
"""Length of the longest value that a heading of data shows, such as that of a number or a short tuple."""


def _name_arrays(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Replace array types with the names that the code uses for them."""
    return _shortened(signature), _shortened(returned)


def _shortened(text: str | None) -> str | None:
    for long, short in _SHORTER if text else ():
        text = long.sub(short, text or "")
    return text


def _fill_in_measured(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace `<!-- FILE: NAME -->` with the rows of a file in measured/."""
    mark = r"<!-- (shrinking|locality|coverage|readings): (\S+) -->"
    source[0] = re.sub(mark, lambda match: measured(*match.groups()), source[0])


def measured(file: str, name: str) -> str:
    """Return the rows of a method or benchmark as a Markdown table without the name, or all rows for the name "all"."""
    with (Path(__file__).parent / "measured" / f"{file}.csv").open(newline="") as opened:
        heading, *rows = csv.reader(opened)
    if name != "all":
        heading, rows = heading[1:], [row[1:] for row in rows if row[0] == name]
    if not rows:
        raise ValueError(f"measured/{file}.csv has no row for '{name}': correct the name in the page or add the row")
    return "\n".join("| " + " | ".join(row) + " |" for row in [heading, ["---"] * len(heading), *rows])


_SET_ASIDE: dict[str, list[str]] = {}


def _before_napoleon(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Rewrite or set aside the parts of a docstring that napoleon would misread."""
    if what in ("attribute", "data", "property"):
        _SET_ASIDE[name] = list(lines)  # napoleon would take the text before a colon as the type
    else:
        lines[:], _SET_ASIDE[name] = _attributes_apart(_paragraphs_as_notes(lines))


def _paragraphs_as_notes(lines: list[str]) -> list[str]:
    """Add a "Notes" heading to each paragraph that follows a section without being an entry of it."""
    noted: list[str] = []
    in_section = False
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _HEADING.fullmatch(following):
            in_section = line not in ("Notes", "Examples")
        elif in_section and line[:1].strip() and not lines[number - 1].strip() and not following.startswith("    "):
            noted += ["Notes", "-----"]
            in_section = False
        noted.append(line)
    return noted


def _attributes_apart(lines: list[str]) -> tuple[list[str], list[str]]:
    """Split off the Attributes section and return it as a list; one line may name several attributes."""
    if "Attributes" not in lines:
        return lines, []
    start = lines.index("Attributes")
    stop = next((at - 1 for at in range(start + 2, len(lines)) if _HEADING.fullmatch(lines[at])), len(lines))
    entries = [
        "   " + (", ".join(f"``{name}``" for name in line.split(", ")) if line[:1].strip() else line)
        for line in lines[start + 2 : stop]
    ]
    return [*lines[:start], *lines[stop:]], ["", ":Attributes:", *entries, ""]


def _after_napoleon(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Restore the parts that were set aside, and escape bars: |S| is a size."""
    restored = _SET_ASIDE.pop(name, [])
    lines[:] = restored if what in ("attribute", "data", "property") else [*lines, *restored]
    lines[:] = [line if "``" in line else line.replace("|", "\\|") for line in lines]


def _mathml(formula: str, as_block: bool) -> str:
    """Return a formula as MathML, without space inside bars."""
    return tex2mathml(formula, as_block=as_block).replace('false">|<', 'false" lspace="0" rspace="0">|<')


def _keep_hyphens_of_options(app: Sphinx, page: nodes.document) -> None:
    """Turn dashes back into two hyphens in the description of the commands, where they begin an option."""
    if app.env.docname == "reference/commands":
        for text in list(page.findall(nodes.Text)):
            text.parent.replace(text, nodes.Text(text.replace("–", "--")))


def _drop_long_values(app: Sphinx, page: nodes.document) -> None:
    """Drop values of several lines from the headings of data, so that a page starts with what an object is for."""
    for heading in page.findall(addnodes.desc_signature):
        for value in list(heading.findall(addnodes.desc_annotation)):
            if len(value.astext()) > _LONGEST_VALUE:
                value.parent.remove(value)


def _write_math(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def _write_math_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="equation">{_mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the functions of this file; Sphinx calls it."""
    app.add_html_math_renderer("mathml", (_write_math, None), (_write_math_block, None))
    app.connect("source-read", _fill_in_measured)
    app.connect("doctree-read", _keep_hyphens_of_options, priority=400)  # before titles are collected
    app.connect("doctree-read", _drop_long_values)
    app.connect("autodoc-process-signature", _name_arrays)
    app.connect("autodoc-process-docstring", _before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", _after_napoleon, priority=600)
