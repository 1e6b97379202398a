"""What functions are: their manifest, their limits, their keys, and what is known of their runs."""

from fazt.apps.runtime.model.keys import (
    MAX_KEY_BYTES,
    MAX_OPERATIONS,
    MAX_VALUE_BYTES,
    Entry,
    Listing,
    Operation,
    check_amount,
    check_key,
    check_ttl,
    check_value,
)
from fazt.apps.runtime.model.limits import LIMITS, Limits, check_limits
from fazt.apps.runtime.model.manifest import CronSpec, Hook, Manifest, check_variable, matches, parse_manifest
from fazt.apps.runtime.model.runs import CronEntry, LogLine, Run, RunState, Site, plan_due

__all__ = [
    "LIMITS",
    "MAX_KEY_BYTES",
    "MAX_OPERATIONS",
    "MAX_VALUE_BYTES",
    "CronEntry",
    "CronSpec",
    "Entry",
    "Hook",
    "Limits",
    "Listing",
    "LogLine",
    "Manifest",
    "Operation",
    "Run",
    "RunState",
    "Site",
    "check_amount",
    "check_key",
    "check_limits",
    "check_ttl",
    "check_value",
    "check_variable",
    "matches",
    "parse_manifest",
    "plan_due",
]
