"""Static sites by host name, deployed from a folder."""

from fazt.core.app import App, Connect, EventKind, ScopeKind, Setting

APP = App(
    name="sites",
    title="Sites",
    does="Web sites by host name, deployed with one command.",
    parts=("store", "engine", "routes", "pages", "jobs", "script", "cli"),
    path="/sites",
    settings=(
        Setting("sites.max_files", 20_000, "How many files a site may have.", 1, 200_000, unit="files"),
        Setting("sites.max_file_mb", 100, "How large one file of a site may be.", 1, 4_096, unit="MiB"),
        Setting("sites.max_total_mb", 1_024, "How large all files of a site may be together.", 1, 65_536, unit="MiB"),
        Setting(
            "sites.cache_mb",
            64,
            "Memory for files that are asked for often; takes effect at the next start.",
            1,
            8_192,
            unit="MiB",
        ),
        Setting("sites.trash_days", 30, "How long a deleted site can be brought back.", 0, 3_650, unit="days"),
        Setting(
            "sites.upload_hours", 24, "How long a deploy that broke off can be taken up again.", 1, 720, unit="hours"
        ),
    ),
    events=(
        EventKind("sites.created", "There is a new site, still empty.", {"site": "its name"}),
        EventKind("sites.renamed", "A site has another name.", {"site": "its name", "before": "the old one"}),
        EventKind("sites.domain_added", "A site is shown at a domain.", {"site": "its name", "host": "the domain"}),
        EventKind(
            "sites.domain_removed", "A site is no longer shown at a domain.", {"site": "its name", "host": "the domain"}
        ),
        EventKind(
            "sites.deployed",
            "A new version of a site is shown.",
            {"site": "its name", "version": "the number", "files": "how many there are", "by": "the user's id"},
        ),
        EventKind(
            "sites.rolled_back",
            "Another version of a site is shown.",
            {"site": "its name", "version": "the number", "by": "the user's id"},
        ),
        EventKind("sites.deleted", "A site was taken off.", {"site": "its name"}),
        EventKind("sites.restored", "A deleted site was brought back.", {"site": "its name"}),
    ),
    scopes=(
        ScopeKind("sites:read", "See sites, their versions and files; with :NAME only that site."),
        ScopeKind("sites:write", "Deploy and change sites; with :NAME only that site."),
    ),
    commands={
        "deploy": "Put a folder on the web.",
        "sites": "List, roll back, protect and delete web sites.",
    },
    connect=Connect("token", ("sites:rw",)),
)
