"""`python -m lockgate`: the command where a program starts modules, as torchrun does."""

from lockgate.cli import main

main()
