"""Trains small models of scikit-learn and XGBoost; run by the interpreter of an environment.

`python trained_models.py <folder>` writes each model as a file, and expected.json: for each, its
framework, the columns that it takes, some rows, and what its own predict gives for them, as texts
that are the numbers to the last bit.
"""

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import skops.io
import xgboost as xgb
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

WIDTH = 5
NAMES = [f"c{number}" for number in range(WIDTH)]
expected: dict[str, Any] = {}


def say(file: str, framework: str, rows: Any, **outputs: Any) -> None:
    expected[file] = {
        "framework": framework,
        "columns": NAMES if file.startswith("named") else ["inputs"],
        "rows": [[float(value).hex() for value in row] for row in np.asarray(rows)],
        "outputs": {
            name: {"dtype": str(each.dtype), "values": _texts(each)}
            for name, each in outputs.items()
        },
    }


def _texts(array: Any) -> Any:
    if array.ndim > 1:
        return [_texts(each) for each in array]
    return [float(value).hex() for value in array]


def main(folder: Path) -> None:
    x, y = make_regression(400, WIDTH, noise=3.0, random_state=7)
    flat, classes = make_classification(400, WIDTH, n_informative=3, n_classes=3, random_state=7)
    rows, points = x[:60] + 0.125, flat[:60] + 0.125
    table = pd.DataFrame(x, columns=NAMES)

    logistic = LogisticRegression(max_iter=500).fit(flat, classes)
    (folder / "logistic.pkl").write_bytes(pickle.dumps(logistic))
    say(
        *("logistic.pkl", "sklearn", points),
        predictions=logistic.predict(points),
        probabilities=logistic.predict_proba(points),
    )
    forest = RandomForestRegressor(30, random_state=7).fit(x, y)
    joblib.dump(forest, folder / "forest.joblib", compress=3)
    say("forest.joblib", "sklearn", rows, predictions=forest.predict(rows))
    scaled = make_pipeline(StandardScaler(), GradientBoostingRegressor(random_state=7))
    scaled.fit(table, y)
    (folder / "named.pkl").write_bytes(pickle.dumps(scaled))
    asked = pd.DataFrame(rows, columns=NAMES)
    say("named.pkl", "sklearn", rows, predictions=scaled.predict(asked))
    clusters = KMeans(4, random_state=7, n_init=2).fit(x)
    skops.io.dump(clusters, folder / "clusters.skops")
    say("clusters.skops", "sklearn", rows, predictions=clusters.predict(rows))
    two = LinearRegression().fit(x, np.column_stack([y, -y]))
    (folder / "two.pkl").write_bytes(pickle.dumps(two))
    first, second = two.predict(rows).T
    say("two.pkl", "sklearn", rows, first=first, second=second)

    boosted = xgb.XGBClassifier(n_estimators=20, max_depth=3).fit(flat, classes)
    (folder / "boosted.pkl").write_bytes(pickle.dumps(boosted))
    say(
        *("boosted.pkl", "xgboost", points),
        predictions=boosted.predict(points),
        probabilities=boosted.predict_proba(points),
    )
    regressor = xgb.XGBRegressor(n_estimators=60, max_depth=4).fit(x, y)
    regressor.save_model(folder / "regressor.json")
    say("regressor.json", "xgboost", rows, predictions=regressor.predict(rows))
    booster = regressor.get_booster()
    plain = xgb.train({"max_depth": 3}, xgb.DMatrix(table, y), 25)
    plain.save_model(folder / "plain.ubj")
    given = xgb.DMatrix(rows, feature_names=NAMES)
    say("plain.ubj", "xgboost", rows, output=plain.predict(given))
    (folder / "booster.pkl").write_bytes(pickle.dumps(booster))
    say("booster.pkl", "xgboost", rows, output=booster.predict(xgb.DMatrix(rows)))

    newer = pickle.dumps(logistic).replace(sklearn_version(), b"1.99.")
    (folder / "newer.pkl").write_bytes(newer)
    (folder / "expected.json").write_text(json.dumps(expected))


def sklearn_version() -> bytes:
    """Of five characters."""
    import sklearn

    version: str = sklearn.__version__
    return version.encode()[:5]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
