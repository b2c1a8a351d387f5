"""Rebuilds the example from the published flights: models, registrations, history, predictions, outcomes.

python3 build.py [--data FOLDER] [--out FOLDER]      everything in this folder
python3 build.py --full OUT.ndjson.gz                all predictions since 1 February, for benchmarks
"""

import argparse
import gzip
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before scikit-learn loads; results must not depend on the machine

import numpy as np

import features as pipeline
import figures
import flights as source
import predict
import registration as registry
import schema
import story
import train

HERE = Path(__file__).parent
VERSIONS = {
    "1.0.0": (["2001-01"], "2001-02-01T04:00"),
    "1.1.0": (["2001-01", "2001-02"], "2001-03-09T04:00"),
}
HELD_OUT = 0.1
WITHOUT_OUTCOME = 0.02
# From day to day of 2001, which share of the flights is in the sample.
SAMPLE = [("2001-03-10", "2001-03-19", 0.022), ("2001-04-01", "2001-04-09", 0.03)]
SAMPLE_ELSEWHERE = 0.0017


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with flights-3m.parquet and airports.csv")
    parser.add_argument("--out", type=Path, default=HERE, help="where the files go; this folder by default")
    parser.add_argument("--full", type=Path, help="write all predictions to this file instead")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        flights = source.load(given.data or source.download(Path(folder)))
    with timed("features"):
        features = pipeline.build(flights)
    served = story.versions_served(flights)
    sent = story.schemas_sent(flights, served)
    if given.full:
        models = {semver: predict.open_model(weights(given.out, semver)) for semver in VERSIONS}
        rows = np.flatnonzero(served != "")
        with timed(f"{len(rows)} predictions"):
            write(given.full, lines(flights, features, models, served, sent, rows), level=1)
        return
    for name in ("models", "versions"):
        (given.out / name).mkdir(parents=True, exist_ok=True)
    for semver in VERSIONS:
        with timed(f"version {semver}"):
            build_version(given.out, semver, flights, features[semver])
    models = {semver: predict.open_model(weights(given.out, semver)) for semver in VERSIONS}
    write_json(given.out / "history.json", story.history())
    write_sample(given.out, flights, features, models, served, sent)


def weights(out: Path, semver: str) -> Path:
    return out / "models" / f"flight-delay-{semver}.onnx"


def build_version(out: Path, semver: str, flights: source.Flights, features: pipeline.Features) -> None:
    months, trained_at = VERSIONS[semver]
    known = flights.landed < source.minute_of(trained_at)
    held_out = flights.share(8) < HELD_OUT
    parts = {}
    datasets = []
    for month in months:
        datasets.append({"role": "REFERENCE", "snapshot": registry.raw_snapshot(flights, month)})
        rows = registry.flights_of(flights, month)
        for role, wanted in (("TRAINING", ~held_out), ("VALIDATION", held_out)):
            chosen = rows[known[rows] & wanted[rows]]
            parts.setdefault(role, []).append(chosen)
            snapshot = registry.feature_snapshot(
                features.take(chosen), flights.late[chosen], semver, month, role.lower()
            )
            datasets.append({"role": role, "snapshot": snapshot})
    training, validation = (np.concatenate(parts[role]) for role in ("TRAINING", "VALIDATION"))
    train.fit(features.take(training), flights.late[training], weights(out, semver))
    model = predict.open_model(weights(out, semver))
    scores = predict.probabilities(model, features.take(validation))[:, 1]
    pipeline_commit = registry.commit(semver, schema.PIPELINE)
    definition = schema.definition(flights, semver, pipeline_commit)
    entry = registry.registration(
        semver, definition, datasets, weights(out, semver), scores, flights.late[validation]
    )
    write_json(out / "versions" / f"flight-delay-{semver}.json", entry)


def write_sample(out: Path, flights: source.Flights, features: dict, models: dict, served, sent) -> None:
    rate = np.full(len(flights), SAMPLE_ELSEWHERE)
    for start, end, share in SAMPLE:
        rate[(flights.minute >= source.minute_of(start)) & (flights.minute < source.minute_of(end))] = share
    sampled = (served != "") & (flights.share(7) < rate)
    has_outcome = flights.share(9) >= WITHOUT_OUTCOME
    rows = np.flatnonzero(sampled)
    made = list(lines(flights, features, models, served, sent, rows))
    write(out / "predictions.ndjson.gz", with_irregularities(made))
    known = flights.take(np.flatnonzero(sampled & has_outcome))
    write(out / "outcomes.ndjson.gz", predict.outcome_lines(known))
    write_json(out / "story-figures.json", figures.measure(flights, features, models, sampled & has_outcome))


def lines(
    flights: source.Flights, features: dict, models: dict, served, sent, rows: np.ndarray
) -> Iterator[str]:
    """Predictions of the rows in the order of their time, a chunk at a time."""
    at = predict.occurred(flights.take(rows))
    rows = rows[np.lexsort((rows, at))]
    for start in range(0, len(rows), predict.CHUNK):
        chunk = rows[start : start + predict.CHUNK]
        values = merged(features["1.0.0"].take(chunk), features["1.1.0"].take(chunk), sent[chunk] == "1.1.0")
        scores = np.empty((len(chunk), 2), np.float32)
        for semver, model in models.items():
            mine = np.flatnonzero(served[chunk] == semver)
            scores[mine] = predict.probabilities(model, values.take(mine))
        part = flights.take(chunk)
        yield from predict.prediction_lines(part, values, served[chunk], sent[chunk], scores)


def merged(first: pipeline.Features, second: pipeline.Features, use_second: np.ndarray) -> pipeline.Features:
    values = dict(first.values)
    for name in schema.PARAMETERS["1.1.0"]:
        values[name] = np.where(use_second, second.values[name], first.values[name])
    return pipeline.Features(values, first.observed)


def with_irregularities(made: list[str]) -> list[str]:
    """What every log has: a line delivered twice, and a request that was asked again 2.5 seconds later."""
    duplicate = next(line for line in made if '"occurredAt":"2001-03-20' in line)
    asked = json.loads(next(line for line in made if '"occurredAt":"2001-05-11T12' in line))
    first = np.datetime64(asked["occurredAt"].removesuffix("Z"), "us")
    again = np.datetime_as_string(first + np.timedelta64(2_500_000, "us"))
    text = next(line for line in made if asked["requestId"] in line)
    retry = text.replace(asked["occurredAt"], f"{again}Z")
    return sorted([*made, duplicate, retry], key=lambda line: json.loads(line)["occurredAt"])


def write(path: Path, content: Iterable[str], level: int = 9) -> None:
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", level, raw, mtime=0) as file:
        batch: list[str] = []
        for line in content:
            batch.append(line)
            if len(batch) == 1000:
                file.write("".join(batch).encode())
                batch.clear()
        file.write("".join(batch).encode())


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


@contextmanager
def timed(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
