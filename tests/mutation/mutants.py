"""Mutants: small changes to a file that its tests should notice, made on its syntax tree."""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}

_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}

_NAMES = {
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "minimum": "maximum",
    "maximum": "minimum",
    "argmin": "argmax",
    "argmax": "argmin",
    "nanmin": "nanmax",
    "nanmax": "nanmin",
    "zeros": "ones",
    "ones": "zeros",
    "floor": "ceil",
    "ceil": "floor",
}

Change = Callable[[ast.AST], None]


@dataclass(frozen=True)
class Mutant:
    """A file with one change.

    Attributes
    ----------
    file
        The file, relative to the folder of the toolkit.
    line
        Line of the change.
    before, after
        The changed expression or statement, without and with the change.
    number, change
        The place of its node in a walk over the tree, and what changes it.
    """

    file: Path
    line: int
    before: str
    after: str
    number: int
    change: Change

    @property
    def name(self) -> str:
        """Name of the mutant."""
        return f"{self.file}:{self.line}: {self.before} -> {self.after}"

    def source(self, folder: Path) -> str:
        """Return the content of the changed file."""
        tree = ast.parse((folder / self.file).read_text())
        self.change(next(node for at, node in enumerate(ast.walk(tree)) if at == self.number))
        return ast.unparse(ast.fix_missing_locations(tree))


def mutants(file: Path, folder: Path) -> Iterator[Mutant]:
    """Yield every mutant of a file in the folder of the toolkit."""
    tree = ast.parse((folder / file).read_text())
    skipped = set(_skipped(tree))
    for number, node in enumerate(ast.walk(tree)):
        if id(node) not in skipped:
            for change in _changes(node):
                changed = copy.deepcopy(node)
                change(changed)
                yield Mutant(file, node.lineno, _text(node), _text(changed), number, change)


def _skipped(tree: ast.AST) -> Iterator[int]:
    """Yield the nodes without effect on results: annotations, texts of errors, code for type checkers, and checks.

    The checks are `strict`, whose iterables have equal lengths, and the options of classes, such as `frozen`.
    """
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        match node:
            case ast.AnnAssign(annotation=annotation) | ast.arg(annotation=annotation):
                parts = [annotation]
            case ast.FunctionDef():
                parts = [node.returns, *node.decorator_list]
            case ast.ClassDef():
                parts = [*node.keywords, *node.decorator_list]
            case ast.keyword(arg="strict"):
                parts = [node]
            case ast.JoinedStr() | ast.Raise() | ast.If(test=ast.Name(id="TYPE_CHECKING")):
                parts = [node]
        yield from (id(inner) for part in parts if part is not None for inner in ast.walk(part))


def _changes(node: ast.AST) -> Iterator[Change]:
    """Yield the changes of one node."""
    match node:
        case ast.Compare(ops=operators):
            for place, operator in enumerate(operators):
                if type(operator) in _COMPARISONS:
                    yield _setting("ops", _COMPARISONS[type(operator)](), place)
        case ast.BinOp(op=operator) | ast.AugAssign(op=operator) if type(operator) in _ARITHMETIC:
            yield _setting("op", _ARITHMETIC[type(operator)]())
        case ast.BoolOp(op=operator):
            yield _setting("op", ast.Or() if isinstance(operator, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub()):
            yield _removing_operator
        case ast.Constant(value=bool(value)):
            yield _setting("value", not value)
        case ast.Constant(value=int(value)):
            yield _setting("value", value + 1)
        case ast.Constant(value=float(value)):
            yield _setting("value", value * 1.5 + (value == 0))
        case ast.Name(id=name) if name in _NAMES:
            yield _setting("id", _NAMES[name])
        case ast.Attribute(attr=name) if name in _NAMES:
            yield _setting("attr", _NAMES[name])
        case ast.If() | ast.While() | ast.IfExp():
            yield _negating
        case ast.Continue():
            yield _breaking


def _setting(field: str, value: object, place: int | None = None) -> Change:
    def change(node: ast.AST) -> None:
        if place is None:
            setattr(node, field, value)
        else:
            getattr(node, field)[place] = value

    return change


def _removing_operator(node: ast.AST) -> None:
    assert isinstance(node, ast.UnaryOp)
    node.op = ast.UAdd() if isinstance(node.op, ast.USub) else node.op
    if not isinstance(node.op, ast.UAdd):
        # `not x` becomes `not not x`, and `~x` becomes `~~x`: the value without the operator, of the same type.
        node.operand = ast.UnaryOp(op=node.op, operand=node.operand)


def _negating(node: ast.AST) -> None:
    assert isinstance(node, ast.If | ast.While | ast.IfExp)
    node.test = ast.UnaryOp(op=ast.Not(), operand=node.test)


def _breaking(node: ast.AST) -> None:
    node.__class__ = ast.Break


def _text(node: ast.AST) -> str:
    """Return the first line of an expression or statement, on one line."""
    return " ".join(ast.unparse(node).splitlines()[0].split())[:160]
