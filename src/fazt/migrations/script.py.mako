"""${message}."""

from alembic import op

revision = "${up_revision}"
