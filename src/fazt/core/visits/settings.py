"""What the owner may choose about visits."""

from fazt.core.app import Setting

SETTINGS = (
    Setting(
        "visits.country_database",
        "",
        help="Path of a country database in MaxMind's format (.mmdb), e.g. GeoLite2-Country; empty: countries unknown.",
    ),
    Setting(
        "visits.keep_days",
        400,
        help="How long single visits are kept; their sums stay. 0 keeps them for ever.",
        minimum=0,
        maximum=36_500,
        unit="days",
    ),
)
