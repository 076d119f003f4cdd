"""Rows of what was learned of a product, and of whose history it rests on."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from zodra_cloud.replenish.repository.tables import forecast_models, forecast_shares
from zodra_cloud.store.inserting import insert_into, insert_many


def stored_model(connection: Connection, category_id: str, form: str) -> dict[str, Any] | None:
    """Read what was learned of a category; None if nothing, or in another format."""
    found: dict[str, Any] | None = connection.execute(
        select(forecast_models.c.model).where(
            forecast_models.c.category_id == category_id, forecast_models.c.format == form
        )
    ).scalar()
    return found


def keep_model(
    connection: Connection,
    category_id: str,
    *,
    form: str,
    model: dict[str, Any],
    household_ids: Collection[str],
    now: datetime,
) -> None:
    """Keep what was learned in place of what was before, and whose histories it rests on."""
    values = {"format": form, "households": len(household_ids), "model": model, "fitted_at": now}
    connection.execute(
        insert_into(connection, forecast_models)
        .values(category_id=category_id, **values)
        .on_conflict_do_update(index_elements=["category_id"], set_=values)
    )
    _forget_shares(connection, category_id)
    insert_many(
        connection,
        forecast_shares,
        [{"household_id": each, "category_id": category_id} for each in sorted(household_ids)],
    )


def forget_model(connection: Connection, category_id: str) -> None:
    """Forget what was learned of a category."""
    connection.execute(delete(forecast_models).where(forecast_models.c.category_id == category_id))
    _forget_shares(connection, category_id)


def learned_categories(connection: Connection) -> list[str]:
    """Name the categories of which something was learned."""
    return list(
        connection.execute(
            select(forecast_models.c.category_id).order_by(forecast_models.c.category_id)
        ).scalars()
    )


def categories_resting_on(connection: Connection, household_id: str) -> list[str]:
    """Name the categories whose stored model rests on a household's history, among others."""
    return list(
        connection.execute(
            select(forecast_shares.c.category_id)
            .where(forecast_shares.c.household_id == household_id)
            .order_by(forecast_shares.c.category_id)
        ).scalars()
    )


def _forget_shares(connection: Connection, category_id: str) -> None:
    connection.execute(delete(forecast_shares).where(forecast_shares.c.category_id == category_id))
