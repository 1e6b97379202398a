"""Tables of people and their credentials. Of every random secret only the SHA-256 is kept."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table, Text

from fazt.core.schema import metadata


def _user() -> Column[str]:
    return Column("user_id", Text, ForeignKey("core_user.id", ondelete="CASCADE"), nullable=False)


user = Table(
    "core_user",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("handle", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("password_changed_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("suspended_at", BigInteger),
    Column("tour_closed_at", BigInteger),
)

token = Table(
    "core_token",
    metadata,
    Column("id", Text, primary_key=True),
    _user(),
    Column("kind", Text, nullable=False),  # token, app
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("hint", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text),  # JSON list; NULL is no limit
    Column("address", Text, nullable=False, server_default=""),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    Index("core_token_user_id", "user_id"),
)

session = Table(
    "core_session",
    metadata,
    Column("id", Text, primary_key=True),
    _user(),
    Column("token_id", Text, ForeignKey("core_token.id", ondelete="CASCADE")),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # web, joplin, …
    Column("name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("scopes", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Index("core_session_user_id_kind", "user_id", "kind"),
    Index("core_session_token_id", "token_id"),
)

invitation = Table(
    "core_invitation",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

reset = Table(
    "core_reset",
    metadata,
    Column("user_id", Text, ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("expires_at", BigInteger, nullable=False),
)

totp = Table(
    "core_totp",
    metadata,
    Column("user_id", Text, ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True),
    Column("secret", Text, nullable=False),  # base 32
    Column("confirmed_at", BigInteger),
    Column("last_step", BigInteger, nullable=False),  # the newest 30 s step whose code was used
)

recovery_code = Table(
    "core_recovery_code",
    metadata,
    Column("user_id", Text, ForeignKey("core_user.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
)
