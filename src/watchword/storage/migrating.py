"""Brings a database's tables to their newest version; loads Alembic only where they are not. Never goes back."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from watchword.kernel.errors import StorageError


def bring_up(connection: Connection, migrations: Path, newest: str, what: str) -> None:
    """Run the migrations a database lacks.

    Args:
        connection: In a transaction, of which all of them become part.
        migrations: Alembic's folder of them.
        newest: The version the program knows; versions sort as texts.
        what: The database in words, `"the accounts are"`.

    Raises:
        StorageError: A newer Watchword wrote it.
    """
    if inspect(connection).has_table("alembic_version"):
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if current == newest:
            return
        if current is not None and str(current) > newest:
            raise StorageError(f"{what} of version {current}; this program knows {newest} and older")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["connection"] = connection
    command.upgrade(config, newest)
