"""The flights and airports as arrays, and everything that is derived from a flight's identity.

Times are whole minutes since 1 January 2001. `date` of the source is the *actual* departure, in the
clock of the origin; that clock is called UTC here. Nothing else in the example knows a time zone.
"""

import csv
import subprocess
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

PACKAGE = "vega-datasets@3.2.1"
EPOCH = np.datetime64("2001-01-01T00:00", "m")
LATE_AFTER_MINUTES = 15
PER_FLIGHT = ("minute", "delay", "miles", "origin", "destination", "number")


@dataclass(frozen=True)
class Flights:
    """One entry a flight, in the order of the source file, which is by departure."""

    minute: np.ndarray
    delay: np.ndarray
    miles: np.ndarray
    origin: np.ndarray  # index into `airports`
    destination: np.ndarray
    number: np.ndarray  # counts flights of one route in one minute, from 0
    airports: np.ndarray
    states: np.ndarray
    latitudes: np.ndarray
    longitudes: np.ndarray

    def __len__(self) -> int:
        return len(self.minute)

    def take(self, rows: np.ndarray) -> "Flights":
        return replace(self, **{name: getattr(self, name)[rows] for name in PER_FLIGHT})

    @property
    def route(self) -> np.ndarray:
        return self.origin * 256 + self.destination

    @property
    def landed(self) -> np.ndarray:
        """When the delay became known: estimated, for the source has no arrival times."""
        return self.minute + 30 + self.miles * 60 // 480

    @property
    def late(self) -> np.ndarray:
        return self.delay > LATE_AFTER_MINUTES

    def bits(self, stream: int) -> np.ndarray:
        """64 well mixed bits a flight (splitmix64), independent between streams: our only randomness."""
        key = (self.minute << 24) | (self.route << 8) | self.number
        z = key.astype(np.uint64) + np.uint64((stream + 1) * 0x9E3779B97F4A7C15 % 2**64)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

    def share(self, stream: int) -> np.ndarray:
        """A number from 0 to 1 a flight."""
        return (self.bits(stream) >> np.uint64(11)) / 2.0**53


def minute_of(time: str) -> int:
    """Minutes from the epoch to a time such as `2001-04-03T09:12`."""
    return int((np.datetime64(time.removesuffix("Z"), "m") - EPOCH).astype(np.int64))


def load(folder: Path) -> Flights:
    table = pq.read_table(folder / "flights-3m.parquet")
    departed = table["date"].to_numpy()
    used = set(pc.unique(table["origin"]).to_pylist()) | set(pc.unique(table["destination"]).to_pylist())
    with open(folder / "airports.csv", encoding="utf-8", newline="") as file:
        airports = sorted(
            (row for row in csv.DictReader(file) if row["iata"] in used), key=lambda row: row["iata"]
        )
    names = [row["iata"] for row in airports]
    origin, destination = (_indices(table[column], names) for column in ("origin", "destination"))
    minute = ((departed - EPOCH) // np.timedelta64(1, "m")).astype(np.int64)
    return Flights(
        minute=minute,
        delay=table["delay"].to_numpy().astype(np.int64),
        miles=table["distance"].to_numpy().astype(np.int64),
        origin=origin,
        destination=destination,
        number=_number_within((minute << 16) | (origin * 256 + destination)),
        airports=np.array(names),
        states=np.array([row["state"] for row in airports]),
        latitudes=np.array([float(row["latitude"]) for row in airports]),
        longitudes=np.array([float(row["longitude"]) for row in airports]),
    )


def download(folder: Path) -> Path:
    """Fetches the pinned package into `folder` through npm, which checks its integrity."""
    packed = subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, capture_output=True, text=True
    )
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package" / "data"


def _indices(column: pa.ChunkedArray, names: list[str]) -> np.ndarray:
    found = pc.index_in(column, value_set=pa.array(names, column.type))
    return found.to_numpy().astype(np.int64)


def _number_within(key: np.ndarray) -> np.ndarray:
    order = np.argsort(key, kind="stable")
    ordered = key[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    number = np.empty(len(key), np.int64)
    number[order] = np.arange(len(key)) - np.repeat(starts, np.diff(np.r_[starts, len(key)]))
    return number
