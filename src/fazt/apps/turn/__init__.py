"""Video calls, and the STUN and TURN relay that brings them through firewalls."""

from fazt.core.app import App, Connect, ScopeKind, Setting

APP = App(
    name="turn",
    title="Calls",
    does="Video calls, and a relay that brings them through firewalls.",
    parts=("server", "routes", "pages", "jobs", "script", "cli"),
    path="/calls",
    settings=(
        Setting("turn.host", "", "The name by which clients reach the relay; empty: the cloud's own domain."),
        Setting(
            "turn.external_addresses",
            [],
            "Addresses that peers see where this host is behind NAT, one each for IPv4 and IPv6; from the next start.",
        ),
        Setting("turn.tls_port", 0, "A port of its own for TLS; 0: TLS on the same port as TCP.", 0, 65_535),
        Setting("turn.certificate_file", "", "A certificate and chain (PEM) for turns: instead of this cloud's own."),
        Setting("turn.key_file", "", "The certificate's key (PEM); empty: it is in the certificate's file."),
        Setting("turn.first_port", 49_152, "First UDP port for relayed packets; from the next start.", 1_024, 65_535),
        Setting("turn.last_port", 65_535, "Last UDP port for relayed packets; from the next start.", 1_024, 65_535),
        Setting(
            "turn.allow_peers",
            [],
            "Blocks of addresses (CIDR) that may be reached although they are private, e.g. 192.168.1.0/24.",
        ),
        Setting("turn.static_users", [], "Users with a lasting password, as name:password.", secret=True),
        Setting("turn.credential_hours", 12, "How long credentials are good for.", 1, 24, unit="hours"),
        Setting("turn.max_allocations", 1_000, "Allocations at the same time, over all users.", 1, 16_384),
        Setting("turn.max_allocations_per_user", 40, "Allocations at the same time for one user.", 1, 16_384),
        Setting(
            "turn.max_kbps_per_allocation", 0, "Bandwidth of one allocation each way; 0: no limit.", 0, unit="kbit/s"
        ),
        Setting("turn.max_kbps", 0, "Bandwidth of all allocations each way; 0: no limit.", 0, unit="kbit/s"),
        Setting("turn.max_age_hours", 24, "When an allocation ends at the latest; 0: never.", 0, 8_760, unit="hours"),
        Setting("turn.refusals_per_second", 10, "Answers a second to an address that has not signed in.", 1, 1_000_000),
    ),
    scopes=(
        ScopeKind("turn:use", "Get credentials for the relay of video calls."),
        ScopeKind("turn:invite", "Make links by which guests may enter a room."),
    ),
    commands={"turn": "The relay of video calls: its state, and whether clients can reach it."},
    connect=Connect("token", ("turn:use",)),
)
