"""What the library costs, beside the programs a user would take instead.

``python -m benchmarks`` (``make bench``) runs every case on this machine and
writes ``benchmarks/results.json``, from which the README and the book quote.
``python -m benchmarks dense sparse`` runs some of the cases.

=================  =====================================================
``cases/``         one file a case: the problem, who solves it, the bytes
``peers.py``       the other ways to do the same work
``floor.py``       how fast this machine moves the bytes a step must move
``timing.py``      turn by turn, medians; and the check of every answer
``report.py``      rows of results, the table, what the machine is
=================  =====================================================
"""
