"""Visits and their sums; the full-text index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from fazt.migrations import step_before

revision = "0001d_visits"
down_revision = step_before(__file__)

WORDS = (("path", "referrer", "country"), ("browser", "os", "device", "language"))
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


def upgrade() -> None:
    """Make the tables."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "core_visit",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in WORDS[0]),
        sa.Column("robot", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in (*WORDS[1], *UTM)),
        sa.Column("visitor", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="core_visit_pk"),
        sqlite_autoincrement=True,
    )
    op.create_index("core_visit_target_at", "core_visit", ["kind", "target", "at"])
    op.create_index("core_visit_kind_at", "core_visit", ["kind", "at"])
    op.create_table(
        "core_visit_sum",
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("dimension", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("views", sa.BigInteger, nullable=False),
        sa.Column("visitors", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("kind", "step", "dimension", "at", "target", "value", name="core_visit_sum_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "core_visit_mark",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("visit_id", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="core_visit_mark_pk"),
    )
    op.create_table(
        "core_visit_known",
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("key", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("day", "key", name="core_visit_known_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "core_visit_salt",
        sa.Column("day", sa.BigInteger, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("day", name="core_visit_salt_pk"),
    )
    create_search()


def create_search() -> None:
    """The rows of the index; the words beside them in the way of each engine."""
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "core_search",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("user_id", sa.Text),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("words", sa.Text().with_variant(TSVECTOR(), "postgresql")),
        sa.PrimaryKeyConstraint("id", name="core_search_pk"),
        sa.UniqueConstraint("kind", "ref", name="core_search_kind_ref_unique"),
    )
    op.create_index("core_search_user_id", "core_search", ["user_id"])
    empty = sa.text("words IS NOT NULL")
    op.create_index("core_search_words_gin", "core_search", ["words"], postgresql_using="gin", sqlite_where=empty)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE core_search_words USING fts5"
            "(title, text, seen, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3')"
        )
