import signal
import sys

if "serve" in sys.argv:
    # What is imported next takes longer than a supervisor may wait before it changes its mind;
    # nothing has begun yet, see `cli.starting.may_be_ended` for what comes after.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

from llmtrack.cli.main import main

if __name__ == "__main__":
    main()
