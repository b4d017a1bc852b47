"""``python -m reportgen``."""

if __name__ == "__main__":  # workers import this under another name, and need no command line
    from reportgen.cli import main

    main()
