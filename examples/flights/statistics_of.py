"""Statistics of features exactly as a model is trained on them. A vector has none: they are for scalars."""

import numpy as np

from features import Features
from schema import FIELDS

PROBABILITIES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
BINS = 20


def statistics(features: Features) -> list[dict]:
    found = []
    for name, feature_type, *_ in FIELDS:
        column = features.values[name]
        if column.ndim == 1:
            is_numeric = feature_type in ("FP32", "FP64", "INT64")
            summary = {"numeric": _numeric(column)} if is_numeric else {"categorical": _categorical(column)}
            found.append({"feature": name, **summary})
    return found


def _numeric(column: np.ndarray) -> dict:
    present = column[~np.isnan(column)].astype(np.float64)
    # Observed values, not interpolated ones: a quantile is then a value the model has seen.
    quantiles = np.quantile(present, PROBABILITIES, method="inverted_cdf").tolist()
    edges = _edges(present, quantiles)
    counts, _ = np.histogram(present, edges)
    return {
        "count": len(present),
        "missing": len(column) - len(present),
        "min": present.min().item(),
        "max": present.max().item(),
        "mean": present.mean().item(),
        "quantiles": [{"probability": p, "value": value} for p, value in zip(PROBABILITIES, quantiles)],
        "histogram": {"edges": edges, "counts": counts.tolist()},
    }


def _edges(present: np.ndarray, quantiles: list[float]) -> list[float]:
    """Equal bins between the outer quantiles, and one on each side for the tails."""
    inner = np.linspace(quantiles[0], quantiles[-1], BINS - 1)
    return np.unique(np.r_[present.min(), inner, present.max()]).tolist()


def _categorical(column: np.ndarray) -> dict:
    values, counts = np.unique(column, return_counts=True)
    names = [str(value).lower() if column.dtype.kind == "b" else value for value in values.tolist()]
    return {
        "count": len(column),
        "missing": 0,
        "categories": [{"value": name, "count": count} for name, count in zip(names, counts.tolist())],
    }
