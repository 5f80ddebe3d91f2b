"""The steps of a pipeline in words: one by one for its page, and in a line for lists."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from libs.domain import pipeline_steps as steps
from libs.domain import validation
from libs.domain.errors import Rejected
from libs.domain.pipeline_steps import ModelRef, Step, models_of, parse_step
from services.api.dashboard.formats import pretty

_SYMBOLS = {
    "Eq": "=",
    "NotEq": "≠",
    "Lt": "<",
    "LtEq": "≤",
    "Gt": ">",
    "GtEq": "≥",
    "And": "and",
    "Or": "or",
    "Xor": "xor",
    "Plus": "+",
    "Minus": "-",
    "Multiply": "*",
    "Divide": "/",
    "TrueDivide": "/",
    "FloorDivide": "//",
    "Modulus": "%",
}


class Drawn(NamedTuple):
    """A step: what it does, and its models, each with what falls to it ("70 %"; may be empty).
    `details` are lines below; `unknown` is the JSON of a step that is not served here."""

    title: str
    models: Sequence[tuple[ModelRef, str]] = ()
    details: Sequence[tuple[str, str]] = ()
    unknown: str = ""


def drawn(definition: Sequence[Mapping[str, Any]]) -> list[Drawn]:
    """In the order in which they run."""
    return [_drawn(step) for step in definition]


def _drawn(written: Mapping[str, Any]) -> Drawn:
    step = _parsed(written)
    match step:
        case steps.ModelInference(models=[one]):
            return Drawn("A model answers", [(one, "")])
        case steps.ModelInference(models=models):
            return Drawn("Each model answers the same input", [(one, "") for one in models])
        case steps.RandomSplit(weights=weights, hash_key=key):
            title = (
                f"One answers, by the value of column {key}" if key else "One answers, by chance"
            )
            total = sum(one.weight for one in weights) or 1.0
            return Drawn(title, [(one.model, _percent(one.weight / total)) for one in weights])
        case steps.MetaValueSplit(split_key=key, control=control, routes=routes):
            split = [(model, f"{key} = {value}") for value, model in routes.items()]
            return Drawn(f"One answers, by column {key}", [*split, (control, "otherwise")])
        case steps.MultiOut():
            return Drawn("The first model answers; what the others say is only shown beside it")
        case steps.Nth(index=index):
            return Drawn(f"The answer of model {index + 1} is taken")
        case steps.AuditResults():
            return Drawn("Results are kept; here they are in any case")
        case steps.Check(tree=tree):
            return Drawn("An answer is an anomaly where", details=[_check(text) for text in tree])
    return Drawn("Not served here", unknown=pretty(written))


def _percent(part: float) -> str:
    return f"{round(100 * part, 1):g} %"


def _parsed(written: Mapping[str, Any]) -> Step | None:
    try:
        return parse_step(written, "")
    except Rejected:
        return None


def _check(text: str) -> tuple[str, str]:
    """The name of a validation, and its expression as people write it."""
    try:
        parsed = validation.parse(text)
    except ValueError as problem:
        return "not supported", str(problem)
    return parsed.name, written(parsed.expression)


def written(expression: validation.Expression) -> str:
    """As in `out.variable[0] > 20.0`."""
    match expression:
        case validation.Column(name=name):
            return name
        case validation.Literal(value=value):
            return f'"{value}"' if isinstance(value, str) else str(value)
        case validation.Get(of=of, index=index):
            return f"{written(of)}[{index}]"
        case validation.Unary(function=function, of=of):
            return f"{function.lower()}({written(of)})"
        case validation.Binary(operator=operator, left=left, right=right):
            return f"{_operand(left)} {_SYMBOLS[operator]} {_operand(right)}"


def _operand(expression: validation.Expression) -> str:
    text = written(expression)
    return f"({text})" if isinstance(expression, validation.Binary) else text


def summary(definition: Sequence[Mapping[str, Any]]) -> str:
    """In a line: `rf-model → 2 checks`."""
    return " → ".join(filter(None, (_short(_parsed(step)) for step in definition)))


def _short(step: Step | None) -> str:
    if step is None:
        return "a step that is not served here"
    names = [model.name for model in models_of(step)]
    match step:
        case steps.RandomSplit():
            return f"{' or '.join(names)} by chance"
        case steps.MetaValueSplit(split_key=key):
            return f"{' or '.join(dict.fromkeys(names))} by {key}"
        case steps.Nth(index=index):
            return f"answer {index + 1}"
        case steps.Check(tree=tree):
            return f"{len(tree)} check{'s' if len(tree) != 1 else ''}"
    return " and ".join(names)
