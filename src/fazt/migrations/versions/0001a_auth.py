"""People, sessions, tokens, invitations, resets, two-factor."""

import sqlalchemy as sa
from alembic import op

from fazt.migrations import step_before

revision = "0001a_auth"
down_revision = step_before(__file__)


def _user() -> sa.Column[str]:
    return sa.Column("user_id", sa.Text, sa.ForeignKey("core_user.id", ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    """Make the tables."""
    create_people()
    create_credentials()
    create_links()
    create_second_factor()


def create_people() -> None:
    """Who there is."""
    op.create_table(
        "core_user",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("handle", sa.Text, nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("password_changed_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("suspended_at", sa.BigInteger),
    )


def create_credentials() -> None:
    """Sessions and tokens."""
    op.create_table(
        "core_token",
        sa.Column("id", sa.Text, primary_key=True),
        _user(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text),
        sa.Column("address", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("used_at", sa.BigInteger),
    )
    op.create_index("core_token_user_id", "core_token", ["user_id"])
    op.create_table(
        "core_session",
        sa.Column("id", sa.Text, primary_key=True),
        _user(),
        sa.Column("token_id", sa.Text, sa.ForeignKey("core_token.id", ondelete="CASCADE")),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("scopes", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_index("core_session_user_id_kind", "core_session", ["user_id", "kind"])
    op.create_index("core_session_token_id", "core_session", ["token_id"])


def create_links() -> None:
    """One-time links."""
    op.create_table(
        "core_invitation",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "core_reset",
        sa.Column("user_id", sa.Text, sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
    )


def create_second_factor() -> None:
    """Two-factor secrets and recovery codes."""
    op.create_table(
        "core_totp",
        sa.Column("user_id", sa.Text, sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("confirmed_at", sa.BigInteger),
        sa.Column("last_step", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "core_recovery_code",
        sa.Column("user_id", sa.Text, sa.ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("digest", sa.LargeBinary, primary_key=True),
    )
