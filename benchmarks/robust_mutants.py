"""Mutants of a Python file: one small change each, as a slip of the hand would make."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Mutant", "mutants", "mutated"]

COMPARE = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt,), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,), ast.NotIn: (ast.In,),
}  # fmt: skip
BINARY = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,), ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,),
    ast.MatMult: (),
}  # fmt: skip
NAMES = {
    "minimum": "maximum", "maximum": "minimum", "min": "max", "max": "min", "any": "all", "all": "any",
    "argmin": "argmax", "argmax": "argmin", "floor": "ceil", "ceil": "floor", "nanmedian": "nanmax",
    "median": "max", "sqrt": "square", "exp": "expm1", "log": "log1p", "log1p": "log", "expm1": "exp",
    "isfinite": "isnan", "zeros": "ones", "ones": "zeros", "logical_and": "logical_or",
    "logical_or": "logical_and", "cumsum": "cumprod", "mean": "sum", "flatnonzero": "ravel",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change.

    Attributes
    ----------
    file
        Below the root.
    line
        Line of the change, from 1.
    what
        The change in words: ``< to <=``.
    place, choice
        Number of the node in `ast.walk`'s order, and which of its changes.
    """

    file: str
    line: int
    what: str
    place: int
    choice: int


def mutants(file: str, source: str) -> list[Mutant]:
    """Return every mutant of a file."""
    tree = ast.parse(source)
    skipped = _not_run(tree)
    found = []
    for place, node in enumerate(ast.walk(tree)):
        if id(node) not in skipped:
            for choice, (what, _) in enumerate(_changes(node)):
                found.append(Mutant(file, getattr(node, "lineno", 0), what, place, choice))
    return found


def mutated(source: str, mutant: Mutant) -> str:
    """Return the source with one change."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    target = nodes[mutant.place]
    new = list(_changes(target))[mutant.choice][1]
    changed = _Replace(target, new).visit(tree)
    return ast.unparse(ast.fix_missing_locations(changed)) + "\n"


class _Replace(ast.NodeTransformer):
    def __init__(self, target: ast.AST, new: ast.AST) -> None:
        self.target, self.new = target, new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if node is self.target else self.generic_visit(node)


def _not_run(tree: ast.Module) -> set[int]:
    """Return nodes whose change means nothing: annotations, docstrings, decorators, messages, exported names."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            parts = [
                node.returns,
                *node.decorator_list,
                *(arg.annotation for arg in ast.walk(node.args) if isinstance(arg, ast.arg)),
            ]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        elif isinstance(node, ast.ClassDef):
            parts = list(node.decorator_list)
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            parts = [node]
        elif isinstance(node, ast.Raise):
            parts = [node.exc]  # its words; that it is raised is changed below
        elif (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or (
            isinstance(node, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
        ):
            parts = [node]
        for part in parts:
            found |= {id(inner) for inner in ast.walk(part)} if part is not None else set()
    return found


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """Give what may be changed of one node: words, and the new node."""
    if isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            for other in COMPARE.get(type(operator), ()):
                new = copy.deepcopy(node)
                new.ops[i] = other()
                yield f"{type(operator).__name__} to {other.__name__}", new
    elif isinstance(node, ast.BinOp):
        for other in BINARY.get(type(node.op), ()):
            new_binary = copy.deepcopy(node)
            new_binary.op = other()
            yield f"{type(node.op).__name__} to {other.__name__}", new_binary
    elif isinstance(node, ast.AugAssign):
        for other in BINARY.get(type(node.op), ()):
            new_aug = copy.deepcopy(node)
            new_aug.op = other()
            yield f"{type(node.op).__name__}= to {other.__name__}=", new_aug
    elif isinstance(node, ast.BoolOp):
        new_bool = copy.deepcopy(node)
        new_bool.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{type(node.op).__name__} to {type(new_bool.op).__name__}", new_bool
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield f"{type(node.op).__name__} removed", copy.deepcopy(node.operand)
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.IfExp):
        yield (
            "branches exchanged",
            ast.IfExp(copy.deepcopy(node.test), copy.deepcopy(node.orelse), copy.deepcopy(node.body)),
        )
    elif isinstance(node, ast.If):
        new_if = copy.deepcopy(node)
        new_if.test = ast.Constant(False)
        yield "condition never true", new_if
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        new_name = copy.deepcopy(node)
        new_name.attr = NAMES[node.attr]
        yield f"{node.attr} to {new_name.attr}", new_name
    elif (
        isinstance(node, ast.Name)
        and isinstance(node.ctx, ast.Load)
        and node.id in ("min", "max", "any", "all")
    ):
        yield f"{node.id} to {NAMES[node.id]}", ast.Name(NAMES[node.id], ast.Load())
    elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
        yield "assignment left out", ast.Pass()
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "statement left out", ast.Pass()
    elif isinstance(node, ast.Raise):
        yield "not raised", ast.Pass()
    elif isinstance(node, ast.Break | ast.Continue):
        yield f"{type(node).__name__} left out", ast.Pass()


def _constants(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield f"{value} to {not value}", ast.Constant(not value)
    elif isinstance(value, int):
        yield f"{value} to {value + 1}", ast.Constant(value + 1)
    elif isinstance(value, float):
        changed = value * 1.5 if value else 1.0
        yield f"{value:g} to {changed:g}", ast.Constant(changed)
