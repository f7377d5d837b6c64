"""`python -m tests.properties`: see `tests.properties.marathon`."""

import sys

from tests.properties.marathon import main

if __name__ == "__main__":
    sys.exit(main())
