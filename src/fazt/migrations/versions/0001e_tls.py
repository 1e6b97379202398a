"""Certificates, their authorities, and how each host name stands."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0001e_tls"
down_revision = step_before(__file__)


def upgrade() -> None:
    """Make the tables."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "core_tls_certificate",
        sa.Column("id", number, autoincrement=True, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("names", "source", "authority", "issuer", "chain_pem", "key_pem", "fingerprint")
        ),
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in ("not_before", "not_after", "created_at", "renew_at", "next_ari_at")
        ),
        sa.PrimaryKeyConstraint("id", name="core_tls_certificate_pk"),
        sa.UniqueConstraint("fingerprint", name="core_tls_certificate_fingerprint_unique"),
    )
    op.create_table(
        "core_tls_host",
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("first_at", sa.BigInteger),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("host", name="core_tls_host_pk"),
    )
    op.create_table(
        "core_tls_authority",
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("directory", "account_key_pem", "account_uri", "email")
        ),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("directory", name="core_tls_authority_pk"),
    )
    op.create_table(
        "core_tls_attempt",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("directory", "kind", "subject")),
        sa.PrimaryKeyConstraint("id", name="core_tls_attempt_pk"),
    )
    op.create_index("core_tls_attempt_count", "core_tls_attempt", ["directory", "kind", "subject", "at"])
    op.create_table(
        "core_tls_root",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("chain_pem", sa.Text, nullable=False),
        sa.Column("key_pem", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="core_tls_root_pk"),
    )
