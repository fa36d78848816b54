"""Run a module as a program that does not outlive the process that started it.

    python -m training.studies.leash training.train_classifier FLAGS ...

The program is killed when its standard input is closed. The operating system does that also when the process at the
other end is killed, so that no training goes on unseen and writes into a run folder that another one has resumed.
"""

import os
import runpy
import signal
import sys
import threading


def main() -> None:
    """Run the module that the command line names with the flags that follow it."""
    threading.Thread(target=_kill_at_end_of_input, daemon=True).start()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _kill_at_end_of_input() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
