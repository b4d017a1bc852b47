"""``python -m reportgen``, and the command ``reportgen``."""

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a traceback of imports tells nobody anything
    from reportgen.cli import main  # here, as each worker imports this module

    main()


if __name__ == "__main__":
    main()
