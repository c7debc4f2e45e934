"""`python -m getframes`: the command line."""

import sys

from getframes.cli import main

sys.exit(main())
