"""Topics: publish over HTTP, listen over WebSocket or a stream, with everything kept in one log."""

from fazt.core.app import App, Connect, EventKind, ScopeKind, Setting

WHAT = {
    "id": "the alert",
    "topic": "the topic",
    "kind": "above, below or silent",
    "bound": "the bound, or the minutes",
    "value": "the last value, as text",
}

APP = App(
    name="pubsub",
    title="Topics",
    does="Publish over HTTP, listen over WebSocket and streams; dashboards, alerts, and ntfy's apps.",
    path="/topics",
    icon="pubsub",
    parts=("store", "engine", "routes", "pages", "jobs", "script", "cli"),
    commands={"pub": "Publish a message on a topic.", "sub": "Listen to topics."},
    settings=(
        Setting("pubsub.keep_hours", 168, "How long messages are kept.", 1, 876_000, unit="hours"),
        Setting("pubsub.keep_messages", 10_000, "Messages kept of one topic.", 1, 1_000_000),
        Setting("pubsub.keep_mb", 16, "Room of one topic's messages.", 1, 8_192, unit="MB"),
        Setting("pubsub.max_message_kb", 256, "How large a message may be.", 1, 1_024, unit="KB"),
        Setting("pubsub.max_topics", 100_000, "Topics at the same time.", 1, 10_000_000),
        Setting("pubsub.max_listeners", 10_000, "Listeners that are connected at the same time.", 1, 100_000),
        Setting("pubsub.visitor_listeners", 30, "Listeners of one address that nobody knows.", 0, 100_000),
        Setting("pubsub.visitor_burst", 60, "Messages that strangers of one address may publish at once.", 1, 100_000),
        Setting("pubsub.attachment_mb", 15, "How large an attachment may be.", 0, 10_240, unit="MB"),
        Setting("pubsub.attachments_mb", 1_024, "Room of all attachments together.", 0, 1_048_576, unit="MB"),
        Setting("pubsub.attachment_hours", 3, "How long attachments are kept.", 1, 8_760, unit="hours"),
        Setting("pubsub.ntfy_host", "", "The host of the ntfy side; empty: ntfy. before the cloud's own domain."),
        Setting("pubsub.keepalive_seconds", 45, "How often a quiet stream says that it is there.", 5, 300, unit="s"),
        Setting(
            "pubsub.members",
            "none",
            "What members may do with topics for which there is no rule, besides those below their own name.",
            choices=("none", "read", "write", "rw"),
        ),
        Setting("pubsub.cors_origins", ["*"], "Web origins whose pages may use /hub and /ntfy; * is all of them."),
    ),
    events=(
        EventKind("pubsub.alert_began", "A topic's value passed the bound of an alert, or fell silent.", WHAT),
        EventKind("pubsub.alert_ended", "It is back on the good side.", WHAT),
    ),
    scopes=(
        ScopeKind("pubsub:read", "Listen to every topic; `pubsub:read:home/*` is for some of them."),
        ScopeKind("pubsub:write", "Publish to every topic; `pubsub:write:home/*` is for some of them."),
        ScopeKind("pubsub:rw", "Listen and publish to every topic; `pubsub:rw:home/*` is for some of them."),
    ),
    connect=Connect("app", ("pubsub:rw",)),
)
