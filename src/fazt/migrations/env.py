"""Run by Alembic: every pending step in one transaction, so a file is wholly old or wholly new."""

from alembic import context

from fazt.core.schema import metadata


def run() -> None:
    """Apply the steps on the engine that core.db hands over."""
    with context.config.attributes["engine"].connect() as conn:
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            conn.exec_driver_sql("SELECT pg_advisory_xact_lock(4698)")
        context.configure(connection=conn, target_metadata=metadata, transactional_ddl=False)
        context.run_migrations()
        if conn.dialect.name == "sqlite":
            conn.exec_driver_sql("COMMIT")
        else:
            conn.commit()


run()
