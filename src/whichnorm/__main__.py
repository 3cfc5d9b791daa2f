"""`python -m whichnorm`."""

import sys

from whichnorm.cli import main

sys.exit(main())
