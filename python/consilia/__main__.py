"""`python -m consilia`."""

from consilia.cli import main

main()
