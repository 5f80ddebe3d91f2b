"""Quantities as Kubernetes writes them: 0.5, "500m", "1Gi", "2e9"."""

import math
import re
from decimal import Decimal

from libs.domain.errors import Rejected

Quantity = int | float | str

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
# Few digits everywhere: what they stand for is written out.
_FORM = re.compile(
    r"(?P<number>[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20}))"
    r"(?:[eE](?P<exponent>[+-]?\d{1,2})|(?P<suffix>[KMGTPE]i|[numkMGTPE]?))",
    re.ASCII,
)


def positive(field: str, given: Quantity) -> float:
    """Such as a number of processors. Rejected("invalid") unless it is more than 0."""
    return float(_positive(field, given))


def positive_bytes(field: str, given: Quantity) -> int:
    """Rounded up to whole bytes. Rejected("invalid") unless it is more than 0."""
    return math.ceil(_positive(field, given))


def _positive(field: str, given: Quantity) -> Decimal:
    form = None if isinstance(given, bool) else _FORM.fullmatch(str(given))
    if form is None:
        raise Rejected(
            "invalid", f"{field}: {str(given)[:40]!r} is no quantity; give one such as 2 or '1Gi'"
        )
    value = Decimal(form["number"]) * _unit(form)
    if value <= 0:
        raise Rejected("invalid", f"{field}: give more than 0")
    return value


def _unit(form: re.Match[str]) -> Decimal:
    if (binary := _BINARY.get(form["suffix"] or "")) is not None:
        return Decimal(2**binary)
    return Decimal(10) ** int(form["exponent"] or _DECIMAL[form["suffix"] or ""])
