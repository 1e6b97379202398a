"""What the owner may choose about certificates."""

from fazt.core.app import Setting

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"

SETTINGS = (
    Setting(
        "tls.mode",
        "auto",
        "Who vouches for this cloud: a public authority (acme), one of its own (local), nobody (off). "
        "auto: with --https-listen a public one, and for localhost and names of a LAN its own.",
        choices=("auto", "acme", "local", "off"),
    ),
    Setting(
        "tls.redirect",
        "auto",
        "Whether plain HTTP leads to HTTPS. auto: for hosts whose certificate every browser trusts.",
        choices=("auto", "always", "never"),
    ),
    Setting(
        "tls.hsts",
        "auto",
        "Whether browsers are told to use nothing but HTTPS (HSTS). auto: once a host has been on HTTPS for a day, "
        "for a day at first, after a week for a year.",
        choices=("auto", "off"),
    ),
    Setting("tls.port", 0, "The port at which clients reach HTTPS; 0: where it listens.", 0, 65_535),
    Setting("tls.email", "", "Where the authority may write to; empty: the owner's address."),
    Setting("tls.extra_names", [], "More host names (or addresses) that need a certificate, e.g. mail.example.com."),
    Setting("tls.directory", LETS_ENCRYPT, "The authority's ACME directory."),
)
