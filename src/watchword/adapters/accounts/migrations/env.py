"""Alembic's entry: runs the migrations on the connection it is handed. Never opens one itself."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
context.run_migrations()
