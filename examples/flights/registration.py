"""What is registered for a version: its commit, features, data with statistics, environment and weights."""

import hashlib
import platform
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

import schema
import story
from features import Features
from flights import PACKAGE, Flights
from statistics_of import statistics
from train import PRIOR_FLIGHTS, SETTINGS, THRESHOLD

HERE = Path(__file__).parent
SOURCES = ["flights.py", "features.py", "schema.py", "train.py"]
COMMITTED = {
    "1.0.0": ("2001-01-31T16:20:00Z", "Train flight-delay on the first month"),
    "1.1.0": ("2001-03-08T15:45:00Z", "Distances in kilometres, early arrivals count as no delay"),
}
DESCRIPTION = "Probability, in the minute of departure, that a flight will arrive more than 15 minutes late."
MONTHS = {"2001-01": (0, 31), "2001-02": (31, 59)}
MONTH_TIMES = {
    "2001-01": {"from": "2001-01-01T00:00:00Z", "to": "2001-02-01T00:00:00Z"},
    "2001-02": {"from": "2001-02-01T00:00:00Z", "to": "2001-03-01T00:00:00Z"},
}


def commit(semver: str, repository: str) -> dict:
    """Named by the SHA-1 of the version and the sources, since the example has no history of its own."""
    content = b"".join((HERE / name).read_bytes() for name in SOURCES)
    committed_at, headline = COMMITTED[semver]
    return {
        "repository": repository,
        "oid": hashlib.sha1(f"{repository} {semver}\n".encode() + content).hexdigest(),
        "isDirty": False,
        "messageHeadline": headline,
        "author": "Mira Holt",
        "committedAt": committed_at,
    }


def raw_snapshot(flights: Flights, month: str) -> dict:
    """A month as it was published. Content: lines of CSV in the order of the source."""
    rows = flights_of(flights, month)
    names = flights.airports[np.c_[flights.origin[rows], flights.destination[rows]]].tolist()
    minutes = np.datetime_as_string(np.datetime64("2001-01-01T00:00") + flights.minute[rows]).tolist()
    numbers = zip(minutes, flights.delay[rows].tolist(), flights.miles[rows].tolist(), names)
    lines = [f"{at},{delay},{miles},{o},{d}\n" for at, delay, miles, (o, d) in numbers]
    content = "".join(["date,delay,distance,origin,destination\n", *lines]).encode()
    return _snapshot(f"flights.{month}", month, "", content, len(lines), [])


def feature_snapshot(features: Features, late: np.ndarray, semver: str, month: str, part: str) -> dict:
    """Rows as a model saw them. Content: the columns in schema order, little endian, then the labels."""
    columns = [features.values[name] for name, *_ in schema.FIELDS]
    content = b"".join(_column_bytes(column) for column in [*columns, late])
    name = f"flights.{month}.features-{semver}.{part}"
    return _snapshot(name, month, f"/features-{semver}/{part}", content, len(late), statistics(features))


def registration(
    semver: str, definition: dict, datasets: list[dict], weights: Path, scores: np.ndarray, late: np.ndarray
) -> dict:
    """A `RegisterModelVersionInput`. `scores` and `late` are of the held-out flights."""
    content = weights.read_bytes()
    called = scores > THRESHOLD
    return {
        "model": story.MODEL,
        "semver": semver,
        "description": DESCRIPTION,
        "registeredAt": story.REGISTERED[semver],
        "commit": {"definition": commit(semver, "https://github.com/example/flight-delay")},
        "featureSchema": {"definition": definition},
        "datasets": datasets,
        "environment": {"definition": environment()},
        "artifacts": [
            {
                "role": "WEIGHTS",
                "artifact": {
                    "definition": {
                        "digest": digest(content),
                        "location": f"models/{weights.name}",
                        "mediaType": "application/x-onnx",
                        "sizeBytes": len(content),
                    }
                },
            }
        ],
        "parent": None,
        "hyperparameters": {
            "estimator": "HistGradientBoostingClassifier",
            **SETTINGS,
            "late_rate_prior_flights": PRIOR_FLIGHTS,
            "threshold": THRESHOLD,
        },
        "metrics": [
            {"name": "auc", "value": round(float(roc_auc_score(late, scores)), 6)},
            {"name": "accuracy", "value": round(float((called == late).mean()), 6)},
            {"name": "share_predicted_late", "value": round(float(called.mean()), 6)},
            {"name": "share_late", "value": round(float(late.mean()), 6)},
        ],
    }


def environment() -> dict:
    pinned = (HERE / "requirements.txt").read_text().split()
    return {
        "runtime": f"cpython {platform.python_version()}, onnxruntime without graph optimisation",
        "platform": "linux/amd64",
        "accelerator": None,
        "imageDigest": None,
        "threads": 1,
        "packages": [f"pkg:pypi/{line.replace('==', '@')}" for line in pinned],
    }


def flights_of(flights: Flights, month: str) -> np.ndarray:
    first, last = MONTHS[month]
    return np.flatnonzero((flights.minute >= first * 1440) & (flights.minute < last * 1440))


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _snapshot(name: str, month: str, part: str, content: bytes, rows: int, stats: list) -> dict:
    return {
        "definition": {
            "name": name,
            "contentDigest": digest(content),
            "location": f"npm:{PACKAGE}/data/flights-3m.parquet#{month}{part}",
            "rowCount": rows,
            "sizeBytes": len(content),
            "eventTime": MONTH_TIMES[month],
            "derivedFrom": [],
            "statistics": stats,
        }
    }


def _column_bytes(column: np.ndarray) -> bytes:
    if column.dtype.kind == "U":
        return "".join(f"{value}\n" for value in column.tolist()).encode()
    return np.ascontiguousarray(column).astype(column.dtype.newbyteorder("<")).tobytes()
