"""Run by Alembic; the connection, in a transaction that is committed when all went well, comes from `opening`."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
