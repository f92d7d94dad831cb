"""``python -m cs_infer.cli``."""

from cs_infer.cli import main

main()
