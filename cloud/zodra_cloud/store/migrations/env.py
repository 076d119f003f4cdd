"""Alembic's entry: it runs inside the unit of work that `store.migrate` opened."""

from alembic import context

from zodra_cloud.store.engine import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
