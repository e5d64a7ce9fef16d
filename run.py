"""Run the system: ``python run.py --help``."""

import sys

try:
    from assistive.cli import main

    main()
except KeyboardInterrupt:  # pressed before there was anything to end
    sys.exit(130)
