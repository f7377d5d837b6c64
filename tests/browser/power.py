"""The school's server as a process of its own, which can lose its power, and the calendar on its wall."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# The present day is read from a file before every use, so a test may turn the page of the calendar; it
# is always evening.
SERVER = """
import sys
from pathlib import Path
from shared import web
wall = Path(sys.argv[2])
web.today = lambda: int(wall.read_text())
web.minute_of_day = lambda: 20 * 60
from waitress.server import create_server
from node import create_app
from node.storage import open_node
server = create_server(create_app(open_node(Path(sys.argv[1]))), host="127.0.0.1", port=int(sys.argv[3]), threads=4)
print(server.effective_port, flush=True)
server.run()
"""


class Server:
    """Serves a node's home from when it is made; after `cut` and `on` at the same address again."""

    def __init__(self, home: Path, day: int) -> None:
        self.home = home
        self._wall = home.parent / "wall-calendar"
        self.port = 0
        self.day = day
        self.on()

    @property
    def day(self) -> int:
        """The present day as the server knows it."""
        return int(self._wall.read_text())

    @day.setter
    def day(self, day: int) -> None:
        new = self._wall.with_suffix(".new")
        new.write_text(str(day))
        new.replace(self._wall)

    def on(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER, str(self.home), str(self._wall), str(self.port)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def cut(self) -> None:
        """As when the electricity goes: SIGKILL, nothing is written any more."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"
