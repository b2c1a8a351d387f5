"""Scores flights with ONNX Runtime and writes predictions and outcomes as lines of JSON."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime

import schema
import story
from features import Features
from flights import EPOCH, Flights, minute_of
from train import THRESHOLD

MICROSECONDS = 1_000_000
CHUNK = 20_000


def open_model(path: Path) -> onnxruntime.InferenceSession:
    """One thread and no graph optimisation: the same bits on every build, and for every batch size."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def probabilities(model: onnxruntime.InferenceSession, features: Features) -> np.ndarray:
    rows = len(features.values["distance"])
    parts = [
        model.run(["probabilities"], _feed(features.take(np.s_[at : at + CHUNK])))[0]
        for at in range(0, rows, CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty((0, 2), np.float32)


def _feed(features: Features) -> dict[str, np.ndarray]:
    return {
        name: (column.astype(object) if column.dtype.kind == "U" else column).reshape(len(column), -1)
        for name, column in features.values.items()
    }


def occurred(flights: Flights) -> np.ndarray:
    """Microseconds since the epoch: somewhere in the minute of departure."""
    return flights.minute * 60 * MICROSECONDS + (flights.share(1) * 60 * MICROSECONDS).astype(np.int64)


def latencies(flights: Flights, served: np.ndarray) -> np.ndarray:
    """Invented, in milliseconds; high before the rollback, which is why somebody rolled back."""
    milliseconds = 1.6 - 1.1 * np.log(1 - flights.share(2))
    since = minute_of("2001-04-03T08:31")
    alarming = (flights.minute >= since) & (flights.minute < minute_of(story.ROLLED_BACK_AT))
    return np.where(alarming & (served == "1.1.0"), milliseconds * 9, milliseconds)


def request_ids(flights: Flights, at: np.ndarray) -> list[str]:
    """UUIDv7: milliseconds of the prediction, then bits of the flight."""
    unix = at // 1000 + int(EPOCH.astype("datetime64[ms]").astype(np.int64))
    rows = zip(unix.tolist(), flights.bits(3).tolist(), flights.bits(4).tolist())
    return [
        f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{a & 0xFFF:03x}-{8 | b >> 60 & 3:x}{b >> 48 & 0xFFF:03x}-{b & (1 << 48) - 1:012x}"
        for ms, a, b in rows
    ]  # fmt: skip


def prediction_lines(
    flights: Flights, features: Features, served: np.ndarray, sent: np.ndarray, scores: np.ndarray
) -> Iterator[str]:
    at = occurred(flights)
    names = flights.airports.tolist()
    minutes = times(flights.minute, "m")
    rows = zip(
        request_ids(flights, at),
        times(at, "us"),
        served.tolist(),
        sent.tolist(),
        [f"{names[o]}-{names[d]}-{minute[:16]}" + (f"#{n + 1}" if n else "")
         for o, d, minute, n in zip(flights.origin.tolist(), flights.destination.tolist(), minutes, flights.number.tolist())],
        [f"{a:016x}{b:016x}" for a, b in zip(flights.bits(5).tolist(), flights.bits(6).tolist())],
        zip(*_feature_texts(features)),
        scores.astype(np.float64).tolist(),
        (scores[:, 1] > THRESHOLD).tolist(),
        latencies(flights, served).tolist(),
    )  # fmt: skip
    endpoint = _json(story.ENDPOINT)
    for request, time, version, schema_version, entity, trace, texts, (
        on_time,
        late,
    ), is_late, latency in rows:
        yield (
            f'{{"requestId":"{request}","item":0,"occurredAt":"{time}","endpoint":{endpoint},'
            f'"modelVersion":{{"model":"{story.MODEL}","semver":"{version}"}},'
            f'"featureSchema":{{"name":"{schema.NAME}","semver":"{schema_version}"}},'
            f'"entityKey":"{entity}","traceId":"{trace}","features":{{{",".join(texts)}}},'
            f'"score":{late!r},"label":"{"LATE" if is_late else "ON_TIME"}",'
            f'"output":{{"probabilities":[{on_time!r},{late!r}]}},"latencyMs":{latency:.3f}}}\n'
        )


def outcome_lines(flights: Flights) -> list[str]:
    rows = zip(
        times(flights.landed, "m"),
        request_ids(flights, occurred(flights)),
        flights.late.tolist(),
        flights.delay.tolist(),
    )
    endpoint = _json(story.ENDPOINT)
    return [
        f'{{"requestId":"{request}","item":0,"endpoint":{endpoint},"observedAt":"{time}",'
        f'"label":"{"LATE" if is_late else "ON_TIME"}","value":{delay}}}\n'
        for time, request, is_late, delay in sorted(rows)
    ]


def times(since_epoch: np.ndarray, unit: str) -> list[str]:
    stamps = np.datetime_as_string(EPOCH + since_epoch.astype(f"timedelta64[{unit}]"), unit=unit).tolist()
    return [stamp + (":00Z" if unit == "m" else "Z") for stamp in stamps]


def _feature_texts(features: Features) -> list[list[str]]:
    return [_column_text(name, features) for name, *_ in schema.FIELDS]


def _column_text(name: str, features: Features) -> list[str]:
    """`"name":value` a row; a stored value carries the time it dates from."""
    column = features.values[name]
    texts = _vectors(column) if column.ndim == 2 else _scalars(column)
    if name not in features.observed:
        return [f'"{name}":{text}' for text in texts]
    return [
        f'"{name}":null' if text == "null" else f'"{name}":{{"value":{text},"observedAt":"{time}"}}'
        for text, time in zip(texts, times(features.observed[name], "m"))
    ]


def _scalars(column: np.ndarray) -> list[str]:
    if column.dtype.kind == "U":
        return [f'"{value}"' for value in column.tolist()]
    if column.dtype.kind == "b":
        return ["true" if value else "false" for value in column.tolist()]
    # NumPy prints the fewest digits that read back as the same FP32 or FP64.
    texts = column.astype(str).tolist()
    return ["null" if text == "nan" else text.removesuffix(".0") for text in texts]


def _vectors(column: np.ndarray) -> list[str]:
    parts = [_scalars(column[:, at]) for at in range(column.shape[1])]
    return ["null" if "null" in row else f"[{','.join(row)}]" for row in zip(*parts)]


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
