"""Import directions: the contracts of pyproject.toml hold here, and each of them can be broken."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
CONTRACTS = ROOT / "pyproject.toml"
OUTER = {"views", "forms", "actions"}


def lint_imports(where: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter with our contracts over the packages that lie in `where`."""
    program = str(Path(sys.executable).parent / "lint-imports")
    command = [program, "--no-cache", "--no-logo", "--config", str(CONTRACTS)]
    return subprocess.run(command, cwd=where, capture_output=True, text=True)


def test_every_contract_holds() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


HOUSE = {
    "shared/__init__.py": "",
    "shared/crypto.py": "import cryptography",
    "shared/db.py": "import sqlcipher3",
    "sync/__init__.py": "import shared",
    "node/__init__.py": "import sync, shared",
    "node/people/__init__.py": "",
    "node/people/queries.py": "",
    "node/people/actions.py": "from node.people import queries",
    "node/people/views.py": "from node.people import actions, queries",
    "hub/__init__.py": "import sync, shared",
}


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("", ""),
        ("shared/a.py", "import sync"),
        ("sync/a.py", "import node"),
        ("sync/a.py", "import hub"),
        ("hub/a.py", "import node"),
        ("node/a.py", "import hub"),
        ("sync/a.py", "from cryptography import x509"),
        ("shared/a.py", "import cryptography"),
        ("node/people/queries.py", "import sqlcipher3"),
        ("node/people/queries.py", "from node.people import actions"),
        ("node/people/actions.py", "from node.people import views"),
    ],
)
def test_a_wrong_import_is_refused(tmp_path: Path, module: str, statement: str) -> None:
    for path, text in (HOUSE | ({module: statement} if module else {})).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    done = lint_imports(tmp_path)
    assert done.returncode == (1 if module else 0), done.stdout + done.stderr
    assert f"Contracts: {3 if module else 4} kept, {1 if module else 0} broken." in done.stdout


def trespasses(graph: grimp.ImportGraph) -> list[str]:
    """Imports from an area (a package with queries or OUTER modules) of another area's OUTER modules."""
    where = {module: module.rpartition(".")[::2] for module in graph.modules}
    areas = {area for area, inner in where.values() if inner in OUTER | {"queries"}}
    return [
        f"{importer} imports {imported}"
        for imported, (area, inner) in sorted(where.items())
        if inner in OUTER
        for importer in sorted(graph.find_modules_that_directly_import(imported))
        if where[importer][0] in areas - {area}
    ]


def test_areas_read_one_another_through_queries_only() -> None:
    assert trespasses(grimp.build_graph("node", "hub", cache_dir=None)) == []


def test_a_trespass_is_seen() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in [
        ("node.journal.views", "node.people.queries"),
        ("node.journal.views", "node.journal.actions"),
        ("node.journal.views", "node.people.actions"),
        ("node.__main__", "node.people.actions"),
    ]:
        graph.add_import(importer=importer, imported=imported)
    assert trespasses(graph) == ["node.journal.views imports node.people.actions"]
