"""Mail for the cloud's domain: taken by SMTP and webhooks, kept in the file, sent through relays."""

from fazt.core.app import App, Connect, EventKind, ScopeKind, Setting

APP = App(
    name="mail",
    title="Mail",
    does="Mail for your domain: received, kept, and sent through a relay.",
    parts=("server", "routes", "pages", "jobs", "script", "store", "cli"),
    hears=("auth.user_deleted",),
    path="/mail",
    settings=(
        Setting("mail.domains", [], "Domains whose mail is for this cloud, besides its own."),
        Setting("mail.catch_all", False, "Whether mail for names that nobody has goes to the owner."),
        Setting("mail.max_mb", 50, "How large a message may be.", 1, 64, unit="MiB"),
        Setting("mail.max_recipients", 100, "How many recipients a message may have.", 1, 1_000),
        Setting("mail.max_connections", 200, "SMTP connections at the same time.", 1, 10_000),
        Setting("mail.max_connections_per_address", 20, "SMTP connections from one address.", 1, 10_000),
        Setting("mail.max_messages_per_minute", 60, "Messages a minute from one address.", 1, 100_000),
        Setting(
            "mail.trusted_networks",
            ["127.0.0.0/8", "::1/128"],
            "Networks (CIDR) whose senders are not limited, not greylisted and not asked for SPF.",
        ),
        Setting(
            "mail.greylist_minutes",
            0,
            "How long strangers have to wait before they may come in; 0: not at all.",
            0,
            120,
        ),
        Setting("mail.verify", True, "Whether SPF, DKIM, DMARC and ARC of what comes are checked."),
        Setting("mail.junk_failures", True, "Put what fails DMARC into junk where the sender's domain wishes that."),
        Setting(
            "mail.dns_servers",
            [],
            "Name servers for mail, ADDRESS or ADDRESS:PORT; empty: the system's. From the next start.",
        ),
        Setting("mail.certificate_file", "", "A certificate and chain (PEM) for STARTTLS instead of this cloud's own."),
        Setting("mail.key_file", "", "The certificate's key (PEM); empty: it is in the certificate's file."),
        Setting(
            "mail.submission_listen",
            "",
            "HOST:PORT where mail programs send with a password, e.g. 0.0.0.0:587; empty: off. From the next start.",
        ),
        Setting(
            "mail.inbound_token",
            "",
            "The secret in the addresses of inbound webhooks; empty: they are off.",
            secret=True,
        ),
        Setting("mail.sns_topics", [], "Topics of Amazon SNS (ARN) whose notices are taken; empty: none."),
        Setting("mail.trash_days", 30, "How long deleted messages can be brought back.", 0, 3_650, unit="days"),
        Setting("mail.routed_days", 14, "How long messages stay that rules only passed on.", 0, 3_650, unit="days"),
        Setting("mail.queue_days", 60, "How long it is known how deliveries went.", 1, 3_650, unit="days"),
    ),
    events=(
        EventKind(
            "mail.received",
            "A message came.",
            {
                "id": "of the message",
                "user_id": "whose mailbox",
                "folder": "where it was put",
                "recipient": "the address it was sent to",
                "from": "who says to have written it",
                "subject": "its subject",
            },
        ),
        EventKind(
            "mail.bounced",
            "A message came back, or was never taken.",
            {
                "id": "of the queue",
                "user_id": "who sent it",
                "address": "who did not get it",
                "state": "failed, bounced or complained",
                "subject": "its subject",
                "detail": "what the other server said",
            },
        ),
    ),
    scopes=(
        ScopeKind("mail:read", "Read mail."),
        ScopeKind("mail:write", "Move, mark and delete mail; change addresses and rules."),
        ScopeKind("mail:send", "Send mail."),
    ),
    commands={"mail": "Send, list and show mail; check that the domain is set up for it."},
    connect=Connect("app", ("mail:read", "mail:send")),
)
