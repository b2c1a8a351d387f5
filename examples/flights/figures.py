"""The figures of the story, measured on every flight of the window, and the prediction to show."""

import numpy as np
from sklearn.metrics import roc_auc_score

import story
from features import Features
from flights import LATE_AFTER_MINUTES, Flights
from predict import occurred, probabilities, request_ids, times
from train import THRESHOLD


def measure(flights: Flights, features: dict[str, Features], models: dict, sampled: np.ndarray) -> dict:
    """`sampled` marks the flights whose prediction and outcome are both in the sample."""
    rows = np.flatnonzero(story.in_bad_window(flights))
    first, second = (features[semver].take(rows) for semver in ("1.0.0", "1.1.0"))
    late = flights.late[rows]
    answers = {
        "served: 1.0.0 on features of schema 1.1.0": (models["1.0.0"], second),
        "1.1.0 on features of schema 1.1.0": (models["1.1.0"], second),
        "1.0.0 on features of schema 1.0.0": (models["1.0.0"], first),
        "1.0.0 with only the distance of schema 1.1.0": (models["1.0.0"], _mixed(first, second, "distance")),
        "1.0.0 with only the mean delay of schema 1.1.0": (
            models["1.0.0"],
            _mixed(first, second, "origin_mean_delay_3h"),
        ),
    }
    scores = {name: probabilities(model, given)[:, 1] for name, (model, given) in answers.items()}
    served, right, proper, *_ = scores.values()
    return {
        "window": {"from": story.ROLLED_BACK_AT, "to": story.RESTORED_AT},
        "flights": len(rows),
        "shareLate": _rounded(late.mean()),
        "threshold": THRESHOLD,
        "lateAfterMinutes": LATE_AFTER_MINUTES,
        "answers": {name: _quality(score, late) for name, score in scores.items()},
        "differentLabels": int(((served > THRESHOLD) != (right > THRESHOLD)).sum()),
        "falseAlarms": {
            "served": int(((served > THRESHOLD) & ~late).sum()),
            "by1.1.0": int(((right > THRESHOLD) & ~late).sum()),
        },
        "highlight": _highlight(flights, rows, sampled[rows], served, right, proper),
    }


def _mixed(first: Features, second: Features, name: str) -> Features:
    return Features({**first.values, name: second.values[name]}, first.observed)


def _quality(scores: np.ndarray, late: np.ndarray) -> dict:
    called = scores > THRESHOLD
    hits = (called & late).sum()
    return {
        "accuracy": _rounded((called == late).mean()),
        "auc": _rounded(roc_auc_score(late, scores)),
        "sharePredictedLate": _rounded(called.mean()),
        "precision": _rounded(hits / called.sum()),
        "recall": _rounded(hits / late.sum()),
    }


def _highlight(flights, rows, sampled, served, right, proper) -> dict:
    """The clearest wrong alarm: early in truth, on time for 1.1.0 and for 1.0.0 on its own features."""
    wrong = sampled & (flights.delay[rows] < 0) & (right < THRESHOLD) & (proper < THRESHOLD)
    best = int(np.argmax(np.where(wrong, served - right, -1)))
    flight = flights.take(rows[[best]])
    return {
        "requestId": request_ids(flight, occurred(flight))[0],
        "occurredAt": times(occurred(flight), "us")[0],
        "route": f"{flights.airports[flight.origin[0]]}-{flights.airports[flight.destination[0]]}",
        "servedScore": float(served[best]),
        "scoreOf1.1.0": float(right[best]),
        "scoreOf1.0.0OnItsOwnFeatures": float(proper[best]),
        "delayMinutes": int(flight.delay[0]),
    }


def _rounded(value: float) -> float:
    return round(float(value), 4)
