import os
import signal
import sys

if "serve" in sys.argv:
    # What is imported next takes longer than a supervisor may wait before it changes its mind.
    # Nothing has begun that needs an orderly end, and an exception may be dropped on its way;
    # see `cli.starting.may_be_ended` for what comes after.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))

from llmtrack.cli.main import main

if __name__ == "__main__":
    main()
