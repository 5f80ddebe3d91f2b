"""Which statements can't change what the imports below them do. Pure.

Anything that is not known to be harmless is not: the price is that the run imports by itself.
"""

import ast
import builtins
from collections.abc import Iterable

_CALLS = """
    abs bool bytes dict enumerate float frozenset int isinstance len list object print range
    reversed round set str sum tuple zip
    collections.Counter collections.OrderedDict collections.deque
    collections.namedtuple contextlib.contextmanager dataclasses.dataclass dataclasses.field
    datetime.date datetime.date.today datetime.datetime datetime.datetime.now
    datetime.datetime.utcnow datetime.timedelta datetime.timezone decimal.Decimal enum.auto
    fractions.Fraction functools.cache functools.lru_cache functools.partial functools.wraps
    logging.getLogger math.log math.sqrt os.cpu_count os.getcwd os.getenv os.environ.get
    os.path.abspath os.path.basename os.path.dirname os.path.exists os.path.join os.path.realpath
    pathlib.Path pathlib.Path.cwd pathlib.Path.home re.compile threading.Event threading.Lock
    time.monotonic time.perf_counter time.process_time time.time typing.NewType typing.TypeVar
    typing.cast uuid.UUID
    abc.abstractmethod classmethod property staticmethod typing.overload typing.no_type_check
"""
_PURE = frozenset(_CALLS.split())
_OF_PATHS = {
    "absolute", "as_posix", "exists", "expanduser", "is_dir", "is_file", "joinpath", "resolve",
    "with_name", "with_suffix",
}  # fmt: skip
_TEXT = (str, bytes)
_OF_SYS = {
    "argv",
    "executable",
    "maxsize",
    "platform",
    "stderr",
    "stdout",
    "version",
    "version_info",
}
_VARIABLES = "os.environ"  # as a whole, not one of them
# What imports look at in the module that they are in, and what every call goes through.
_IN_USE = {"__builtins__", "__loader__", "__name__", "__package__", "__path__", "__spec__"}
# What others' statements call in passing: an import by name, or a class by its bases.
_HOOKS = {
    "__class_getitem__", "__getattr__", "__init_subclass__", "__mro_entries__", "__prepare__",
    "__set_name__",
}  # fmt: skip

_PLAIN = (
    ast.Constant, ast.Name, ast.Attribute, ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Set,
    ast.Dict, ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.JoinedStr,
    ast.FormattedValue, ast.Starred, ast.keyword, ast.expr_context, ast.operator, ast.unaryop,
    ast.boolop, ast.cmpop,
)  # fmt: skip


class Names:
    """What the names of one module stand for, as far as it is known."""

    def __init__(self, body: list[ast.stmt]) -> None:
        self._known: dict[str, str] = {name: name for name in dir(builtins)}
        self._bound: set[str] = set()
        for statement in body:
            for node in ast.walk(statement):
                self._note(node)

    def is_harmless(self, statement: ast.stmt) -> bool:
        """Whether imports below it can be carried out before it."""
        match statement:
            case ast.Pass():
                return True
            case ast.Expr(value):
                return self._plain(value)
            case ast.Assign(targets, value):
                return self._plain(value) and all(map(_is_new_name, targets))
            case ast.AnnAssign(target, annotation, value):
                return (
                    self._plain(annotation)
                    and _is_new_name(target)
                    and (value is None or self._plain(value))
                )
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._is_plain_function(statement)
            case ast.ClassDef(_, bases, keywords, body, decorators):
                metaclass = all(self._path(each.value) == "abc.ABCMeta" for each in keywords)
                plain = all(map(self._plain, bases)) and all(map(self._decorates, decorators))
                return metaclass and plain and all(map(self.is_harmless, body))
        return False

    def _is_plain_function(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        given = function.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        parts = [*given.defaults, *given.kw_defaults, *(each.annotation for each in every if each)]
        if function.name in _HOOKS or not all(map(self._decorates, function.decorator_list)):
            return False
        return all(map(self._plain, filter(None, [*parts, function.returns])))

    def _decorates(self, part: ast.expr) -> bool:
        return self._plain(part) if isinstance(part, ast.Call) else self._is_pure(part)

    def _plain(self, expression: ast.AST) -> bool:
        if isinstance(expression, ast.Lambda):
            return all(map(self._plain, expression.args.defaults))
        if isinstance(expression, ast.Call):
            return self._is_pure(expression.func) and self._parts(expression, but=expression.func)
        if isinstance(expression, ast.Subscript) and self._path(expression.value) == _VARIABLES:
            return self._plain(expression.slice)
        return (
            isinstance(expression, _PLAIN)
            and not self._shows_imports(expression)
            and self._parts(expression)
        )

    def _shows_imports(self, expression: ast.AST) -> bool:
        """Whether one can see by it what was imported: by what imports change."""
        path = self._path(expression)
        module, _, name = path.partition(".")
        return path == _VARIABLES or (
            module == "sys" and bool(name) and name.partition(".")[0] not in _OF_SYS
        )

    def _parts(self, expression: ast.AST, but: ast.AST | None = None) -> bool:
        return all(self._plain(e) for e in ast.iter_child_nodes(expression) if e is not but)

    def _is_pure(self, function: ast.expr) -> bool:
        if self._path(function) in _PURE:
            return True
        if not isinstance(function, ast.Attribute):
            return False
        of = function.value
        if isinstance(of, ast.JoinedStr | ast.Constant):
            return self._plain(of) and isinstance(getattr(of, "value", ""), _TEXT)
        return function.attr in _OF_PATHS and self._is_path(of)

    def _is_path(self, expression: ast.expr) -> bool:
        """Whether it is a pathlib.Path by how it is written."""
        match expression:
            case ast.Attribute(value, "parent"):
                return self._is_path(value)
            case ast.Call(ast.Attribute(value, name)) if name in _OF_PATHS:
                return self._is_path(value) and self._parts(expression, but=expression.func)
            case ast.Call(function):
                path = self._path(function)
                return path.startswith("pathlib.Path") and self._plain(expression)
        return False

    def _path(self, expression: ast.AST) -> str:
        """By which name it can be imported; empty where that is not sure."""
        match expression:
            case ast.Name(name):
                return "" if name in self._bound else self._known.get(name, "")
            case ast.Attribute(value, name):
                return f"{path}.{name}" if (path := self._path(value)) else ""
        return ""

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.Import(names):
                for each in names:
                    name = each.asname or each.name.partition(".")[0]
                    self._import(name, each.name if each.asname else name)
            case ast.ImportFrom(module=module, names=names, level=level):
                for each in names:
                    if each.name == "*":
                        self._known = {}  # any of them could be another's now
                    else:
                        path = "" if level else f"{module}.{each.name}"
                        self._import(each.asname or each.name, path)
            case ast.Name(name, ast.Store() | ast.Del()):
                self._bound.add(name)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                self._bound.add(name)

    def _import(self, name: str, path: str) -> None:
        if self._known.setdefault(name, path) != path:
            self._bound.add(name)


def _is_new_name(target: ast.expr) -> bool:
    match target:
        case ast.Name(name):
            return name not in _IN_USE
        case ast.Tuple(targets) | ast.List(targets):
            return all(map(_is_new_name, targets))
        case ast.Starred(inner):
            return _is_new_name(inner)
    return False


def bound(body: Iterable[ast.stmt]) -> set[str]:
    """The names that a module gives itself, but for those that it imports."""
    nodes = [node for statement in body for node in ast.walk(statement)]
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return stored | {node.name for node in nodes if isinstance(node, named)}
