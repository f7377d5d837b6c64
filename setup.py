"""The distribution `mektep`: its packages, what they need, its two commands.

Every dependency is justified in docs/dependencies.md; a test compares the two lists.
"""

from setuptools import find_packages, setup

RUNTIME = [
    "Flask>=3.1,<4",
    "Flask-Babel>=4,<5",
    "SQLAlchemy>=2,<3",
    "cbor2>=5.6",
    "cryptography>=47",
    "openpyxl>=3.1,<4",
    "requests>=2.32,<3",
    "segno>=1.6,<2",
    "sqlcipher3>=0.6",
    "sqlite-utils>=4,<5",
    "waitress>=3,<4",
    "zstandard>=0.23",
]
POSTGRESQL = ["psycopg[binary]>=3.2,<4"]
TEST = [
    "hypothesis>=6.100",
    "import-linter>=2.5,<3",
    "mypy>=1.15",
    "playwright>=1.50",
    "pytest>=8.3",
    "pytest-xdist>=3.6",
    "ruff>=0.12",
    "setuptools>=65",
    "types-requests>=2.32",
]

setup(
    name="mektep",
    version="0.1.0",
    description="A school information system for places where the internet comes and goes",
    author="The Mektep authors",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(
        include=[f"{name}{tail}" for name in ("shared", "sync", "node", "hub") for tail in ("", ".*")]
    ),
    package_data={
        "": [
            "templates/**/*",
            "static/**/*",
            "locale/**/*.po",
            "locale/**/*.mo",
            "**/*.csv",
            "**/*.json",
            "**/*.toml",
            "**/LICEN[CS]E*",
        ]
    },
    install_requires=RUNTIME,
    extras_require={"postgresql": POSTGRESQL, "test": TEST + POSTGRESQL},
    entry_points={"console_scripts": ["mektep-node=node.__main__:main", "mektep-hub=hub.__main__:main"]},
)
