"""``python -m mlpa_caller`` is ``mlpa-caller``."""

from mlpa_caller.cli import main

main()
