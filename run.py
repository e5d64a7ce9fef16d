"""Run the system: ``python run.py --help``."""

import signal
import sys

signal.signal(signal.SIGTERM, signal.default_int_handler)  # SIGTERM is Ctrl-C, from the first moment on

try:
    from assistive.cli import main

    main()
except KeyboardInterrupt:  # pressed before there was anything to end
    sys.exit(130)
