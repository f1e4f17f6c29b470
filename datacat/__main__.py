"""`python -m datacat`."""

from datacat.cli.main import main

if __name__ == "__main__":
    main()
