"""What happened when: lifecycle, deployments, and so which version answered which flight.

The history is written out and the predictions are routed from the same list, so they agree at every instant.
"""

import numpy as np

from flights import Flights, minute_of

MODEL = "flight-delay"
ENDPOINT = {"name": "flight-delay", "environment": "production"}
REGISTERED = {"1.0.0": "2001-02-01T04:20:00Z", "1.1.0": "2001-03-09T10:05:00Z"}
CANARY_FROM, FULL_FROM = "2001-03-12T14:00:00Z", "2001-03-15T15:30:00Z"
ROLLED_BACK_AT, RESTORED_AT = "2001-04-03T09:12:00Z", "2001-04-05T16:40:00Z"

# version, stage, reason, actor, time
TRANSITIONS = [
    ("1.0.0", "STAGING", "Validation metrics reviewed.", "mira.holt", "2001-02-01T04:45:00Z"),
    ("1.0.0", "PRODUCTION", "First model to replace the fixed rule by airport.", "mira.holt", "2001-02-01T05:30:00Z"),
    ("1.1.0", "STAGING", "Retrained on two months with feature schema 1.1.0.", "mira.holt", "2001-03-09T13:20:00Z"),
    ("1.1.0", "PRODUCTION", "Canary at 10 % for three days: better than 1.0.0 on the same days.", "mira.holt", "2001-03-15T15:00:00Z"),
]  # fmt: skip

# name, version, role, share, start, replaces, why those end, reason, actor
DEPLOYMENTS = [
    ("first", "1.0.0", "PRIMARY", 1, "2001-02-01T06:00:00Z", [], None, "First release.", "release-pipeline"),
    ("first-beside-canary", "1.0.0", "PRIMARY", 0.9, CANARY_FROM, ["first"], "SUPERSEDED", "Makes room for the canary of 1.1.0.", "release-pipeline"),
    ("canary", "1.1.0", "CANARY", 0.1, CANARY_FROM, [], None, "Canary of 1.1.0 with feature schema 1.1.0.", "release-pipeline"),
    ("second", "1.1.0", "PRIMARY", 1, FULL_FROM, ["first-beside-canary", "canary"], "SUPERSEDED", "Canary passed; the feature pipeline moves to schema 1.1.0 for all requests.", "release-pipeline"),
    ("rollback", "1.0.0", "PRIMARY", 1, ROLLED_BACK_AT, ["second"], "ROLLED_BACK", "p99 latency alarm since 08:31. Back to the last known good binary, 1.0.0, while we look.", "jonas.reyes (on call)"),
    ("second-restored", "1.1.0", "PRIMARY", 1, RESTORED_AT, ["rollback"], "SUPERSEDED", "Latency was a noisy neighbour, not the model; complaints about false delay warnings since 3 April. Restoring 1.1.0.", "mira.holt"),
]  # fmt: skip


def release(semver: str) -> dict:
    return {"release": {"model": MODEL, "semver": semver}}


def history() -> dict:
    return {
        "transitions": [
            {"modelVersion": release(semver), "to": to, "reason": reason, "actor": actor, "occurredAt": at}
            for semver, to, reason, actor, at in TRANSITIONS
        ],
        "deployments": [
            {
                "id": name,
                "endpoint": ENDPOINT,
                "modelVersion": release(semver),
                "role": role,
                "trafficShare": share,
                "startedAt": start,
                **({"replaces": replaces, "endReason": end_reason} if replaces else {}),
                "reason": reason,
                "actor": actor,
            }
            for name, semver, role, share, start, replaces, end_reason, reason, actor in DEPLOYMENTS
        ],
    }


def versions_served(flights: Flights) -> np.ndarray:
    """The version that answered each flight, "" before the first deployment."""
    ends = {ended: start for _, _, _, _, start, replaces, *_ in DEPLOYMENTS for ended in replaces}
    share = flights.share(stream=0)
    served = np.full(len(flights), "", dtype="U5")
    for name, semver, role, traffic, start, *_ in DEPLOYMENTS:
        active = flights.minute >= minute_of(start)
        if name in ends:
            active &= flights.minute < minute_of(ends[name])
        chosen = share < traffic if role == "PRIMARY" else share >= 1 - traffic
        served[active & chosen] = semver
    return served


def schemas_sent(flights: Flights, served: np.ndarray) -> np.ndarray:
    """The pipeline follows the version until full traffic for 1.1.0, and from then on stays at 1.1.0."""
    return np.where(flights.minute >= minute_of(FULL_FROM), "1.1.0", served)


def in_bad_window(flights: Flights) -> np.ndarray:
    return (flights.minute >= minute_of(ROLLED_BACK_AT)) & (flights.minute < minute_of(RESTORED_AT))
