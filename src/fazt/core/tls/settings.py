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
    Setting("tls.directory", LETS_ENCRYPT, "The authority's ACME directory; using it means agreeing to its terms."),
    Setting(
        "tls.eab_key_id", "", "Key id that binds the account to one at the authority's web site, if it asks for that."
    ),
    Setting("tls.eab_key", "", "The key of that (HMAC, base64url).", secret=True),
    Setting("tls.second_directory", "", "ACME directory of another authority, asked where the first cannot issue."),
    Setting("tls.second_eab_key_id", "", "As tls.eab_key_id, for the second authority."),
    Setting("tls.second_eab_key", "", "As tls.eab_key, for the second authority.", secret=True),
    Setting("tls.profile", "", "Profile of certificates, where the authority has several, e.g. shortlived."),
    Setting("tls.roots_file", "", "PEM file of roots to trust when speaking to the authority, for private ones."),
    Setting(
        "tls.dns_provider",
        "",
        "Who changes the DNS of this cloud's domain, for a wildcard certificate (DNS-01). Empty: HTTP-01 for each. "
        "script is the program in FAZT_DNS_SCRIPT.",
        choices=("", "rfc2136", "cloudflare", "acme-dns", "script"),
    ),
    Setting("tls.rfc2136_server", "", "Name server that takes updates, ADDRESS or ADDRESS:PORT."),
    Setting("tls.rfc2136_key", "", "Its key, NAME:ALGORITHM:SECRET, e.g. fazt:hmac-sha256:…", secret=True),
    Setting("tls.cloudflare_token", "", "API token with Zone:Read and DNS:Edit.", secret=True),
    Setting("tls.acme_dns_url", "", "Address of an acme-dns server."),
    Setting("tls.acme_dns_user", "", "User name that it gave."),
    Setting("tls.acme_dns_key", "", "Password that it gave.", secret=True),
    Setting("tls.acme_dns_subdomain", "", "Subdomain that it gave."),
    Setting("tls.resolvers", [], "Name servers to ask instead of this machine's, ADDRESS or ADDRESS:PORT."),
    Setting(
        "tls.http_port", 80, "The port at which authorities ask for proofs; another only for private ones.", 1, 65_535
    ),
    Setting("tls.max_orders_per_3_hours", 250, "Orders to one authority at most.", 1, 100_000),
    Setting("tls.max_certificates_per_week", 45, "New certificates for one registered domain at most.", 1, 100_000),
)
