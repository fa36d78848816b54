"""The dashboard on a Space: the container's only program."""

import sys

from apps.dashboard.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
