"""``python -m reportgen``, and the command ``reportgen``."""

from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and exit."""
    from reportgen.cli import main  # here, as each worker imports this module

    main()


if __name__ == "__main__":
    main()
