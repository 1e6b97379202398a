"""JSON documents over HTTP: `POST /db/notes` saves one, `GET /db/notes` lists them."""

from fazt.core.app import App, Connect, EventKind, ScopeKind, Setting

APP = App(
    name="textdb",
    title="TextDB",
    does="JSON documents over HTTP, with filters, rules, history and a live feed.",
    path="/textdb",
    icon="textdb",
    parts=("store", "routes", "pages", "jobs", "script", "cli"),
    hears=("textdb.changed",),
    commands={"db": "JSON documents: get, put, list, import, export."},
    settings=(
        Setting("textdb.default_limit", 100, "Documents in a list that names no limit.", 1, 10_000),
        Setting("textdb.max_limit", 1_000, "Documents that one list may ask for.", 1, 100_000),
        Setting("textdb.scan_warning", 10_000, "A list that looks through more documents than this says so.", 0),
        Setting("textdb.tombstone_days", 90, "How long a feed remembers deletes.", 1, 3_650, unit="days"),
        Setting(
            "textdb.findable_documents",
            10_000,
            "Collections of up to so many documents are in the cloud's search; larger ones have their own. 0: none.",
            0,
            1_000_000,
        ),
        Setting("textdb.cors_origins", ["*"], "Web origins whose pages may use /db; * is all of them."),
    ),
    events=(
        EventKind(
            "textdb.changed",
            "Documents of a collection were written. It is told once until it is heard: read on from `since`.",
            {
                "collection": "its name",
                "since": "the number to read the feed from",
                "seq": "the number of the first write it tells of",
                "id": "the document of that write",
                "change": "created, updated or deleted",
            },
        ),
    ),
    scopes=(
        ScopeKind("textdb:read", "Read every collection; `textdb:read:NAME` is for one of them."),
        ScopeKind("textdb:write", "Write every collection without reading it; `textdb:write:NAME` is for one of them."),
        ScopeKind("textdb:rw", "Read and write every collection; `textdb:rw:NAME` is for one of them."),
    ),
    connect=Connect("token", ("textdb:rw",)),
)
