"""How Sphinx builds the documentation: `make docs`."""

import csv
import importlib.metadata
import re
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
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
    # Other projects' names: their pages are not asked for, so that the site builds without a network.
    (r"py:.*", r"(numpy|np|npt|polars|pl|torch|matplotlib|scipy|sklearn|PIL)\b.*"),
    (r"py:.*", r"(optuna|joblib|ConfigSpace|distributed|cyclopts|types)\b.*"),
    (r"py:.*", r"(collections|pathlib|abc|typing|functools|contextlib|concurrent|multiprocessing)\b.*"),
    (r"py:.*", r"(Any|Path|Callable|Iterator|Iterable|Sequence|Mapping|Protocol|Generator|Literal)"),
    (r"py:.*", r"(NDArray|ABC|Figure|Arguments|Image|Tensor)"),
    (r"py:class", r"(optional|callable|array|module|default.*)"),
    (r"py:.*", r".*\b_\w+"),  # what is private has no page
    (r"py:.*", r"lissnas.*\.(Result|Kind)"),  # type variables
]

# Pages
html_theme = "furo"
html_title = "lissnas"
html_static_path = ["_static"]
html_css_files = ["lissnas.css"]
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}
copybutton_prompt_text = "$ "
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"  # what browsers draw themselves: no script, and no network
nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

# Reference
default_role = "code"  # what docstrings set in single backticks
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_default_options = {
    "members": True,
    "special-members": "__call__",  # how rows are scored
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
        (r"<function (?:[^<>]|<[^<>]*>)*>", "..."),
    )
)
_HEADING = re.compile(r"-{3,}")


def _name_arrays(
    app: Sphinx, what: str, name: str, thing: object, options: object, signature: str | None, returned: str | None
) -> tuple[str | None, str | None]:
    """Write array types by the names that the code gives them."""
    return _shortened(signature), _shortened(returned)


def _shortened(text: str | None) -> str | None:
    for long, short in _SHORTER if text else ():
        text = long.sub(short, text or "")
    return text


def _fill_in_measured(app: Sphinx, page: str, source: list[str]) -> None:
    """Put rows of a file in measured/ where a page asks for them: those of one method or benchmark, or all."""
    source[0] = re.sub(r"<!-- (shrinking|locality): (\S+) -->", lambda asked: measured(*asked.groups()), source[0])


def measured(file: str, name: str) -> str:
    """Return the rows of a file that begin with a name as a table in Markdown, without the name; or all rows."""
    with (Path(__file__).parent / "measured" / f"{file}.csv").open(newline="") as opened:
        heading, *rows = csv.reader(opened)
    if name != "all":
        heading, rows = heading[1:], [row[1:] for row in rows if row[0] == name]
    if not rows:
        raise ValueError(f"measured/{file}.csv has no row of {name}")
    return "\n".join("| " + " | ".join(row) + " |" for row in [heading, ["---"] * len(heading), *rows])


_SET_ASIDE: dict[str, list[str]] = {}


def _before_napoleon(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Put what napoleon would misread into a form that it leaves alone."""
    if what in ("attribute", "data", "property"):
        _SET_ASIDE[name] = list(lines)  # it would take all before a colon for the type
    else:
        lines[:], _SET_ASIDE[name] = _attributes_apart(_paragraphs_as_notes(lines))


def _paragraphs_as_notes(lines: list[str]) -> list[str]:
    """Head a paragraph that follows on a section, which it is no entry of."""
    done: list[str] = []
    in_section = False
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if _HEADING.fullmatch(following):
            in_section = line not in ("Notes", "Examples")
        elif in_section and line[:1].strip() and not lines[number - 1].strip() and not following.startswith("    "):
            done += ["Notes", "-----"]
            in_section = False
        done.append(line)
    return done


def _attributes_apart(lines: list[str]) -> tuple[list[str], list[str]]:
    """Take the section of attributes out, and return it as a list; several may stand in one line."""
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
    """Put back what was set aside, and let bars be bars: |S| is a size."""
    kept = _SET_ASIDE.pop(name, [])
    lines[:] = kept if what in ("attribute", "data", "property") else [*lines, *kept]
    lines[:] = [line if "``" in line else line.replace("|", "\\|") for line in lines]


def _mathml(formula: str, as_block: bool) -> str:
    """Return a formula as MathML, with bars close to what they enclose."""
    return tex2mathml(formula, as_block=as_block).replace('false">|<', 'false" lspace="0" rspace="0">|<')


def _keep_hyphens_of_options(app: Sphinx, page: nodes.document) -> None:
    """Undo dashes where the commands are described: two hyphens begin an option there."""
    if app.env.docname == "reference/commands":
        for text in list(page.findall(nodes.Text)):
            text.parent.replace(text, nodes.Text(text.replace("–", "--")))


def _write_math(translator: HTML5Translator, node: nodes.math) -> None:
    translator.body.append(_mathml(node.astext(), as_block=False))
    raise nodes.SkipNode


def _write_math_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    translator.body.append(f'<div class="equation">{_mathml(node.astext(), as_block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.add_html_math_renderer("mathml", (_write_math, None), (_write_math_block, None))
    app.connect("source-read", _fill_in_measured)
    app.connect("doctree-read", _keep_hyphens_of_options, priority=400)  # before titles are collected
    app.connect("autodoc-process-signature", _name_arrays)
    app.connect("autodoc-process-docstring", _before_napoleon, priority=400)
    app.connect("autodoc-process-docstring", _after_napoleon, priority=600)
