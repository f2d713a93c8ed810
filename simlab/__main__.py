"""`python -m simlab`."""

from simlab.cli import entry

if __name__ == "__main__":
    entry()
