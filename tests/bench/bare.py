"""The least that could show a journal's grid: one Flask page of 30 pupils by 20 lessons from an encrypted file, no
sessions, no rights, no compression. It tells how fast a machine is, so that figures of different machines compare.

``python -m tests.bench.bare PLACE`` writes the file in the folder, serves it and prints the address.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from flask import Flask, render_template_string
from waitress import create_server

from shared.db import open_database

PUPILS, LESSONS = 30, 20
_KEY = bytes(32)
_PAGE = """<!doctype html><title>Journal</title><table>
<tr><th>Pupil{% for day in range(lessons) %}<th>{{ day }}{% endfor %}<th>Average
{% for name, marks in rows %}<tr><th>{{ name }}{% for mark in marks %}<td>{{ mark }}{% endfor %}
<td>{{ "%.2f"|format(marks|sum / marks|length) }}
{% endfor %}</table>"""


def main(place: Path) -> None:
    """Write the file, serve the page."""
    path = place / "bare.db"
    db = open_database(path, _KEY, create=True)
    db.execute("CREATE TABLE pupil (id INTEGER PRIMARY KEY, name TEXT)")
    db.execute(
        "CREATE TABLE mark (pupil INT, lesson INT, value INT, PRIMARY KEY (pupil, lesson)) WITHOUT ROWID"
    )
    for pupil in range(PUPILS):
        db.execute("INSERT INTO pupil VALUES (?, ?)", (pupil, f"Pupil {pupil}"))
        for lesson in range(LESSONS):
            db.execute("INSERT INTO mark VALUES (?, ?, ?)", (pupil, lesson, 2 + (pupil * lesson) % 4))
    db.close()
    app = Flask(__name__)
    own = threading.local()

    @app.get("/")
    def grid() -> str:
        if not hasattr(own, "db"):
            own.db = open_database(path, _KEY)
        names = own.db.execute("SELECT id, name FROM pupil ORDER BY name").fetchall()
        marks: dict[int, list[int]] = {pupil: [] for pupil, _ in names}
        for pupil, value in own.db.execute("SELECT pupil, value FROM mark ORDER BY pupil, lesson"):
            marks[pupil].append(value)
        rows = [(name, marks[pupil]) for pupil, name in names]
        return render_template_string(_PAGE, rows=rows, lessons=LESSONS)

    server = create_server(app, host="127.0.0.1", port=0, threads=2)
    print(f"http://127.0.0.1:{server.effective_port}/", flush=True)
    server.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
