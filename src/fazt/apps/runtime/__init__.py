"""Functions: sites that answer with code, run by the clock and by events, and keep what they need."""

from fazt.apps.runtime.model.limits import LIMITS, Limits
from fazt.core.app import App, Connect, ScopeKind, Setting

DEFAULTS = Limits()

APP = App(
    name="runtime",
    title="Functions",
    does="JavaScript and TypeScript for your sites: requests, cron, events and mail, with a store of its own.",
    parts=("store", "engine", "routes", "pages", "jobs", "script", "cli"),
    path="/functions",
    icon="runtime",
    settings=(
        *(
            Setting(
                f"runtime.{name}", getattr(DEFAULTS, name), known.help, known.minimum, known.maximum, unit=known.unit
            )
            for name, known in LIMITS.items()
        ),
        Setting(
            "runtime.idle_s", 60, "How long a site's process stays when nobody asks for it.", 1, 86_400, unit="seconds"
        ),
        Setting(
            "runtime.spare_s",
            600,
            "How long a process is held ready for the next site after one has started; 0 holds none.",
            0,
            86_400,
            unit="seconds",
        ),
        Setting("runtime.processes", 32, "Sites that can have a process at the same time.", 1, 1_000),
        Setting(
            "runtime.log_lines_kept", 10_000, "Lines that are kept of each site's log.", 100, 1_000_000, unit="lines"
        ),
        Setting("runtime.runs_days", 30, "How long the history of runs looks back.", 1, 3_650, unit="days"),
    ),
    scopes=(
        ScopeKind("runtime:read", "See functions, their logs, runs and stores; with :NAME only those of that site."),
        ScopeKind("runtime:write", "Change stores and variables, run and pause; with :NAME only those of that site."),
        ScopeKind("runtime:call", "Have the email() and event() handlers of sites run; with :NAME only that site's."),
    ),
    commands={
        "functions": "Code of sites: state, cron, variables, limits.",
        "kv": "What a site's code keeps: get, set, list, delete.",
        "logs": "What a site's code says.",
        "dev": "Serve a folder with code, anew after each change.",
    },
    connect=Connect("token", ("runtime:rw", "sites:rw")),
)
