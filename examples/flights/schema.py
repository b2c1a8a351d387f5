"""The feature schema as Hindcast registers it, and how a feature of each type enters the model."""

from flights import Flights

NAME = "flight-delay-features"
PIPELINE = "https://github.com/example/flight-pipeline"

# name, type, what it means, further properties
FIELDS = [
    ("distance", "FP32", "Great-circle distance between origin and destination.", {}),
    ("origin_mean_delay_3h", "FP32", "Mean arrival delay, in minutes, of the flights from the origin that landed in the last three hours; null when none did.", {"isNullable": True, "maxAgeSeconds": 9000}),
    ("origin_departures_3h", "INT64", "Departures from the origin in the last three hours.", {}),
    ("origin_last_delays", "FP32", "Arrival delays, in minutes, of the last three flights from the origin to land, newest first; null before there were three.", {"isNullable": True, "shape": [3], "maxAgeSeconds": 86400}),
    ("route_mean_delay_7d", "FP32", "Mean arrival delay, in minutes, of the route's landings in the last seven days; null when there were none.", {"isNullable": True, "maxAgeSeconds": 259200}),
    ("route_flights_7d", "INT64", "The route's landings in the last seven days.", {}),
    ("hour", "INT64", "Hour of departure, 0 to 23.", {}),
    ("weekday", "INT64", "Day of the week, 1 for Monday to 7 for Sunday.", {}),
    ("is_weekend", "BOOL", "Saturday or Sunday.", {}),
    ("origin_latitude", "FP64", "Latitude of the origin, degrees north.", {}),
    ("origin_longitude", "FP64", "Longitude of the origin, degrees east.", {}),
    ("destination_latitude", "FP64", "Latitude of the destination, degrees north.", {}),
    ("destination_longitude", "FP64", "Longitude of the destination, degrees east.", {}),
    ("origin", "STRING", "IATA code of the origin.", {}),
    ("destination", "STRING", "IATA code of the destination.", {}),
    ("origin_state", "STRING", "State or territory of the origin; NA is none.", {"categories": True}),
    ("destination_state", "STRING", "State or territory of the destination; NA is none.", {"categories": True}),
]  # fmt: skip

# What each feature is made with: function, columns read. Parameters are below, by schema version.
STEPS = {
    "distance": ("great_circle_unit", ["flights.distance"]),
    "origin_mean_delay_3h": ("mean_delay_by_origin", ["flights.delay", "flights.date", "flights.origin"]),
    "origin_departures_3h": ("departures_by_origin", ["flights.date", "flights.origin"]),
    "origin_last_delays": ("last_delays_by_origin", ["flights.delay", "flights.date", "flights.origin"]),
    "route_mean_delay_7d": ("mean_delay_by_route", ["flights.delay", "flights.date", "flights.origin", "flights.destination"]),
    "route_flights_7d": ("landings_by_route", ["flights.date", "flights.origin", "flights.destination"]),
    "hour": ("hour_of", ["flights.date"]),
    "weekday": ("iso_weekday_of", ["flights.date"]),
    "is_weekend": ("weekend_of", ["flights.date"]),
    "origin_latitude": ("airport_column", ["flights.origin", "airports.latitude"]),
    "origin_longitude": ("airport_column", ["flights.origin", "airports.longitude"]),
    "destination_latitude": ("airport_column", ["flights.destination", "airports.latitude"]),
    "destination_longitude": ("airport_column", ["flights.destination", "airports.longitude"]),
    "origin": ("identity", ["flights.origin"]),
    "destination": ("identity", ["flights.destination"]),
    "origin_state": ("airport_column", ["flights.origin", "airports.state"]),
    "destination_state": ("airport_column", ["flights.destination", "airports.state"]),
}  # fmt: skip

COMMON_PARAMETERS = {
    "origin_departures_3h": {"windowMinutes": 180},
    "origin_last_delays": {"count": 3, "earlyArrivals": "negative"},
    "route_mean_delay_7d": {"windowMinutes": 10080, "earlyArrivals": "negative"},
    "route_flights_7d": {"windowMinutes": 10080},
}

# The whole difference between the two schemas.
PARAMETERS = {
    "1.0.0": {
        "distance": {"unit": "mi"},
        "origin_mean_delay_3h": {"windowMinutes": 180, "earlyArrivals": "negative"},
    },
    "1.1.0": {
        "distance": {"unit": "km"},
        "origin_mean_delay_3h": {"windowMinutes": 180, "earlyArrivals": "zero"},
    },
}


def definition(flights: Flights, semver: str, commit: dict) -> dict:
    """A `FeatureSchemaInput`. The steps that changed name the pipeline commit that holds them."""
    states = sorted(set(flights.states.tolist()))
    return {
        "name": NAME,
        "semver": semver,
        "fields": [_field(field, semver, states, commit) for field in FIELDS],
    }


def _field(field: tuple, semver: str, states: list[str], commit: dict) -> dict:
    name, feature_type, description, properties = field
    function, inputs = STEPS[name]
    own = PARAMETERS[semver].get(name)
    step = {
        "function": function,
        "version": "1.0.0",
        "inputs": inputs,
        "parameters": own or COMMON_PARAMETERS.get(name, {}),
    }
    return {
        "name": name,
        "type": feature_type,
        "isNullable": False,
        "shape": [],
        "description": description,
        "isSensitive": False,
        **properties,
        **({"categories": states} if "categories" in properties else {}),
        "transformations": [{**step, "commit": commit} if own else step],
    }
