"""Models of scikit-learn and XGBoost, and what they predict.

To load a pickle is to run code of whoever made it. So this is for a process that may do nothing.
"""

import pickle
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO

import numpy as np

PROBABILITIES = "probabilities"  # the output that is predict_proba's; all others are predict's
_ZIP = b"PK\x03\x04"

Process = Callable[[dict[str, Any]], Any]


def load(
    file: BinaryIO, framework: str, inputs: Mapping[str, Any], outputs: Sequence[str]
) -> Process:
    """`inputs` are shapes by name. ValueError if the model is of other columns; whatever loading
    raises."""
    model = _xgboost(file) if framework == "xgboost" else _sklearn(file)
    if not hasattr(model, "predict"):
        raise ValueError(f"it is a {type(model).__name__}, which has no predict")
    _check_width(model, inputs)

    def process(arrays: dict[str, Any]) -> dict[str, Any]:
        rows = _rows(model, {name: arrays[name] for name in inputs})
        return _named(model, rows, outputs)

    return process


def _sklearn(file: BinaryIO) -> Any:
    head = file.read(4)
    file.seek(0)
    if head == _ZIP:
        import skops.io

        content = file.read()
        known = skops.io.get_untrusted_types(data=content)
        return skops.io.loads(content, trusted=known)  # we trust none: we may do nothing
    return _unpickled(file)


def _xgboost(file: BinaryIO) -> Any:
    """A pickle, or what save_model writes: JSON or UBJSON, both of which are an object."""
    first = file.read(1)
    file.seek(0)
    if first != b"{":
        return _unpickled(file)
    import xgboost

    content = bytearray(file.read())
    booster = xgboost.Booster()
    booster.load_model(content)
    kind = booster.attr("scikit_learn") or ""
    for word, estimator in (
        ("classifier", xgboost.XGBClassifier),
        ("regressor", xgboost.XGBRegressor),
        ("ranker", xgboost.XGBRanker),
    ):
        if word in kind:
            model = estimator()
            model.load_model(content)
            return model
    return booster


def _unpickled(file: BinaryIO) -> Any:
    try:
        import joblib
    except ImportError:
        return pickle.load(file)  # noqa: S301 - see above
    return joblib.load(file)


def _check_width(model: Any, inputs: Mapping[str, Any]) -> None:
    wanted = getattr(model, "n_features_in_", None)
    sizes = [shape[1] if len(shape) > 1 else 1 for shape in inputs.values()]
    if wanted is not None and None not in sizes and sum(sizes) != wanted:
        raise ValueError(f"it takes {wanted} columns, but the input schema has {sum(sizes)}")


def _rows(model: Any, arrays: Mapping[str, Any]) -> Any:
    """One field is all columns, a list in each row; several are a column each, and are put
    together by their names if the model knows names."""
    if len(arrays) == 1:
        (array,) = arrays.values()
        return _matrix(model, array.reshape((len(array), -1)))
    if all(array.ndim == 1 for array in arrays.values()) and hasattr(model, "feature_names_in_"):
        import pandas

        return pandas.DataFrame(dict(arrays))
    return _matrix(model, np.column_stack(list(arrays.values())))


def _matrix(model: Any, array: Any) -> Any:
    if type(model).__name__ != "Booster":
        return array
    import xgboost

    return xgboost.DMatrix(array, feature_names=model.feature_names)


def _named(model: Any, rows: Any, outputs: Sequence[str]) -> dict[str, Any]:
    named = {}
    if PROBABILITIES in outputs:
        named[PROBABILITIES] = model.predict_proba(rows)
    names = [each for each in outputs if each != PROBABILITIES]
    if not names:
        return named
    predicted = np.asarray(model.predict(rows))
    if len(names) == 1:
        return {**named, names[0]: predicted}
    if predicted.ndim != 2 or predicted.shape[1] != len(names):
        raise ValueError(f"it predicts {predicted.shape[1:] or 1} a row for {len(names)} outputs")
    return {**named, **{name: predicted[:, at] for at, name in enumerate(names)}}
