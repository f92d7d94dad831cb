"""What is kept: verdicts as files, and nbgrader's gradebook.

=============  =================================================================
``ledger``     the verdicts that are kept
``gradebook``  nbgrader records and exports
=============  =================================================================
"""
