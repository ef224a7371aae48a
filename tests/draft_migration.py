"""Draft a migration from the models: ``python -m tests.draft_migration "add the deadlines"``.

It runs on a scratch server of its own. Read the draft, and test it up and down, before it is
committed with the model.
"""

import sys

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from layers.cluster import scratch_cluster
from layers.database import check_server, upgrade
from tests.postgis import reachable_folder


def main(message: str) -> None:
    """Write the next numbered revision into ``layers/migrations/versions``."""
    config = Config()
    config.set_main_option("script_location", "layers:migrations")
    newest = ScriptDirectory.from_config(config).get_current_head() or "0000"
    with reachable_folder("lianxin-draft-") as folder, scratch_cluster(folder / "data") as server:
        engine = create_engine(server.ensure())
        check_server(engine)
        upgrade(engine)
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message, autogenerate=True, rev_id=f"{int(newest) + 1:04d}")
        engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit('Say in quotes what it does: python -m tests.draft_migration "add the deadlines"')
    main(sys.argv[1])
