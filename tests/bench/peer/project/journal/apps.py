import os

from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "journal"
    default = True

    def ready(self) -> None:
        """Fast settings of SQLite, and Morango without its waiting between questions where that is asked for."""
        from django.db.backends.signals import connection_created
        from morango.sync import controller

        def tune(sender, connection, **more):  # type: ignore[no-untyped-def]
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA journal_mode = WAL")
                cursor.execute("PRAGMA synchronous = NORMAL")
                cursor.execute("PRAGMA temp_store = MEMORY")

        connection_created.connect(tune, weak=False)
        if os.environ.get("PEER_SLEEPLESS"):
            controller.sleep = lambda seconds: None
