"""The features of a flight as they were known in the minute of its departure.

Two versions of the pipeline give the same names and types, and different values: 1.0.0 sends miles and
counts an early arrival as a negative delay; 1.1.0 sends kilometres and counts an early arrival as none.
"""

from dataclasses import dataclass

import numpy as np

from flights import Flights

KILOMETRES_PER_MILE = 1.609344
SPAN = 1 << 20  # more minutes than there are: keeps groups apart in one sorted key


@dataclass(frozen=True)
class Features:
    """`values` by feature name, NaN for null; `observed` is the minute a stored value dates from, else -1."""

    values: dict[str, np.ndarray]
    observed: dict[str, np.ndarray]

    def take(self, rows: np.ndarray) -> "Features":
        return Features(
            {name: column[rows] for name, column in self.values.items()},
            {name: column[rows] for name, column in self.observed.items()},
        )


class Landed:
    """The flights of each group in the order in which their delays became known."""

    def __init__(self, flights: Flights, group: np.ndarray):
        order = np.lexsort((flights.landed, group))
        self.key = group[order] * SPAN + flights.landed[order]
        self.delay = flights.delay[order]
        self.base = group * SPAN
        self.now = flights.minute
        self.end = np.searchsorted(self.key, self.base + self.now, "right")

    def since(self, minutes: int) -> np.ndarray:
        return np.searchsorted(self.key, self.base + np.maximum(self.now - minutes, -1), "right")

    def mean(self, start: np.ndarray, early: str) -> np.ndarray:
        """Mean delay from `start` on; null without a landing. Early arrivals count as negative or as zero."""
        counted = np.maximum(self.delay, 0) if early == "zero" else self.delay
        sums = np.r_[0, np.cumsum(counted)]
        count = self.end - start
        total = sums[self.end] - sums[start]
        mean = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
        return mean.astype(np.float32)

    def last(self, count: int) -> np.ndarray:
        """Delays of the last landings, newest first; null as a whole when there were fewer."""
        first = np.searchsorted(self.key, self.base)
        known = self.end - first >= count
        at = np.maximum(self.end[:, None] - 1 - np.arange(count), 0)
        return np.where(known[:, None], self.delay[at], np.nan).astype(np.float32)

    def newest(self, is_null: np.ndarray) -> np.ndarray:
        """The minute of the newest landing that a value takes in; -1 where the value is null."""
        return np.where(is_null, -1, self.key[np.maximum(self.end - 1, 0)] % SPAN)


def build(flights: Flights) -> dict[str, Features]:
    """The features by schema version. All but two columns are the same arrays in both."""
    at_origin = Landed(flights, flights.origin)
    on_route = Landed(flights, flights.route)
    recent, week = at_origin.since(3 * 60), on_route.since(7 * 24 * 60)
    last = at_origin.last(3)
    route_mean = on_route.mean(week, "negative")
    weekday = flights.minute // 1440 % 7 + 1  # 1 January 2001 was a Monday
    origin, destination = flights.origin, flights.destination
    first = {
        "distance": flights.miles.astype(np.float32),
        "origin_mean_delay_3h": at_origin.mean(recent, "negative"),
        "origin_departures_3h": _departures(flights, 3 * 60),
        "origin_last_delays": last,
        "route_mean_delay_7d": route_mean,
        "route_flights_7d": on_route.end - week,
        "hour": flights.minute // 60 % 24,
        "weekday": weekday,
        "is_weekend": weekday >= 6,
        "origin_latitude": flights.latitudes[origin],
        "origin_longitude": flights.longitudes[origin],
        "destination_latitude": flights.latitudes[destination],
        "destination_longitude": flights.longitudes[destination],
        "origin": flights.airports[origin],
        "destination": flights.airports[destination],
        "origin_state": flights.states[origin],
        "destination_state": flights.states[destination],
    }
    second = {
        **first,
        "distance": (flights.miles * KILOMETRES_PER_MILE).astype(np.float32),
        "origin_mean_delay_3h": at_origin.mean(recent, "zero"),
    }
    observed = {
        "origin_mean_delay_3h": at_origin.newest(at_origin.end == recent),
        "origin_last_delays": at_origin.newest(np.isnan(last[:, 0])),
        "route_mean_delay_7d": on_route.newest(np.isnan(route_mean)),
    }
    return {"1.0.0": Features(first, observed), "1.1.0": Features(second, observed)}


def _departures(flights: Flights, minutes: int) -> np.ndarray:
    key = np.sort(flights.origin * SPAN + flights.minute)
    now = flights.origin * SPAN + flights.minute
    start = flights.origin * SPAN + np.maximum(flights.minute - minutes, 0)
    return np.searchsorted(key, now) - np.searchsorted(key, start)
