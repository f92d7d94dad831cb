"""Mutants of a source text: one small change each, of the kinds that people make.

An operator exchanged, a term or a factor missing, an index off by one, another
axis, arguments swapped, a logarithm forgotten, a statement left out, another
variable. Nothing is run here; ``mutation.py`` tries what comes out.
"""

import ast
from collections.abc import Iterator


def mutate(source: str) -> Iterator[tuple[str, str]]:
    """The changes of a source text, each with the text that it leads to."""
    tree = ast.parse(source)
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            names = sorted(_locals(function))
            for statement in list(_statements(function.body)):
                before = _head(statement)
                for _ in _changes_within(statement, names):
                    if (after := _head(statement)) != before:
                        yield f"{function.name}: {before} -> {after}", ast.unparse(tree)
            yield from _dropped(tree, function)


# Where a change is made


def _changes_within(statement: ast.stmt, names: list[str]) -> Iterator[None]:
    """Make each change of a statement's own expressions, one at a time, and take it back."""
    for parent, field, at, node in list(_places(statement)):
        for new in _replacements(node, parent, names):
            _put(parent, field, at, new)
            yield
            _put(parent, field, at, node)


def _places(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.AST]]:
    """Every node inside, with where it hangs; not what is inside nested statements."""
    for field, value in ast.iter_fields(node):
        parts = enumerate(value) if isinstance(value, list) else [(None, value)]
        for at, part in parts:
            if isinstance(part, ast.AST) and not isinstance(part, ast.stmt):
                yield node, field, at, part
                yield from _places(part)


def _put(parent: ast.AST, field: str, at: int | None, node: ast.AST) -> None:
    if at is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[at] = node


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for statement in body:
        if not _is_docstring(statement):
            yield statement
            for inner in ("body", "orelse"):
                yield from _statements(getattr(statement, inner, []))


def _head(statement: ast.stmt) -> str:
    """A statement as text; of a loop or a condition, its first line."""
    return ast.unparse(statement).splitlines()[0]


def _dropped(tree: ast.Module, function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """The function with one statement left out."""
    for body in [n.body for n in ast.walk(function) if hasattr(n, "body")]:
        for at, statement in enumerate(body if isinstance(body, list) else []):
            if not _is_docstring(statement) and not isinstance(statement, ast.Return):
                body[at] = ast.Pass()
                yield f"{function.name}: {_head(statement)} -> pass", ast.unparse(tree)
                body[at] = statement


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _locals(function: ast.FunctionDef) -> set[str]:
    stored = [n for n in ast.walk(function) if isinstance(n, ast.Name)]
    arguments = {argument.arg for argument in function.args.args}
    return arguments | {n.id for n in stored if isinstance(n.ctx, ast.Store)}


# What a change is

_OPERATORS = {
    ast.Add: (ast.Sub, ast.Mult),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult, ast.Sub),
    ast.Pow: (ast.Mult,),
    ast.MatMult: (ast.Mult,),
}
_COMPARISONS = {
    ast.Gt: (ast.GtE, ast.Lt, ast.NotEq),
    ast.GtE: (ast.Gt, ast.LtE),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.GtE),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
}
_FUNCTIONS = {
    "sum": ("max", "mean", "prod"),
    "max": ("min", "mean", "sum"),
    "min": ("max",),
    "exp": ("expm1",),
    "expm1": ("exp",),
    "log": ("log1p", "log2"),
    "isfinite": ("isnan", "isinf"),
    "zeros": ("ones",),
    "zeros_like": ("ones_like",),
    "empty": ("zeros",),
    "inf": ("nan", "e"),
    "argmax": ("argmin",),
}


def _replacements(node: ast.AST, parent: ast.AST, names: list[str]) -> Iterator[ast.AST]:
    """What a node may be changed into."""
    match node:
        case ast.BinOp(left, op, right):
            yield from (left, right)
            yield from (ast.BinOp(left, new(), right) for new in _OPERATORS.get(type(op), ()))
        case ast.UnaryOp(_, operand):
            yield operand
        case ast.operator() if isinstance(parent, ast.AugAssign):
            yield from (new() for new in _OPERATORS.get(type(node), ()))
        case ast.cmpop():
            yield from (new() for new in _COMPARISONS.get(type(node), ()))
        case ast.Compare() | ast.BoolOp():
            yield from (ast.Constant(True), ast.Constant(False))
        case ast.IfExp(_, body, orelse):
            yield from (body, orelse)
        case ast.Constant(value):
            yield from _other_constants(value)
        case ast.Call():
            yield from _other_calls(node)
        case ast.Attribute(value, attr):
            yield from (ast.Attribute(value, new) for new in _FUNCTIONS.get(attr, ()))
            if attr == "T":
                yield value
        case ast.Tuple(elts):
            yield from (ast.Tuple(new, node.ctx) for new in _neighbours_swapped(elts))
        case ast.List(elts):
            yield from (ast.List(new, node.ctx) for new in _neighbours_swapped(elts))
        case ast.Slice(lower, upper, step):
            yield from (ast.Slice(*new) for new in _other_slices(lower, upper, step))
        case ast.Name(name, ast.Load()) if name in names:
            yield from (ast.Name(other, ast.Load()) for other in names if other != name)


def _other_constants(value) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, (int, float)):
        yield from (ast.Constant(value + 1), ast.Constant(value - 1))
    elif isinstance(value, str) and "->" in value:  # what einsum reads
        for at in range(len(value) - 1):
            if value[at : at + 2].isalpha():
                yield ast.Constant(value[:at] + value[at + 1] + value[at] + value[at + 2 :])


def _other_calls(call: ast.Call) -> Iterator[ast.expr]:
    """Without the call, without one keyword, or with two arguments exchanged."""
    yield from (a for a in call.args if not isinstance(a, ast.Starred))
    if isinstance(call.func, ast.Attribute) and _base(call.func) != "np":
        yield call.func.value
    for at in range(len(call.keywords)):
        yield ast.Call(call.func, call.args, call.keywords[:at] + call.keywords[at + 1 :])
    for args in _neighbours_swapped(call.args):
        yield ast.Call(call.func, args, call.keywords)


def _base(attribute: ast.Attribute) -> str:
    return ast.unparse(attribute.value)


def _other_slices(lower, upper, step) -> Iterator[tuple]:
    if lower is not None or upper is not None:
        yield (None, None, step)
    if lower is None and upper is None:
        yield from ((ast.Constant(1), None, step), (None, ast.Constant(-1), step))
        yield (None, None, ast.Constant(-1))


def _neighbours_swapped(items: list) -> Iterator[list]:
    for at in range(len(items) - 1):
        yield [*items[:at], items[at + 1], items[at], *items[at + 2 :]]
