"""nbgrader's view of the course: the layout, and who decides a grade.

``nbgrader autograde`` and formgrader's button read this file, so that they go
through the same checker as ``cs-infer grade``.
"""

from cs_infer.judge.records.gradebook import AUTOGRADE, SANITIZE

c = get_config()  # noqa: F821 (nbgrader provides it)

c.CourseDirectory.source_directory = "_build/nbgrader/source"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.submitted_directory = "_build/nbgrader/submitted"
c.CourseDirectory.autograded_directory = "_build/nbgrader/autograded"
c.CourseDirectory.feedback_directory = "_build/nbgrader/feedback"
c.CourseDirectory.db_url = "sqlite:///_build/nbgrader/gradebook.db"

c.Autograde.sanitize_preprocessors = SANITIZE
c.Autograde.autograde_preprocessors = AUTOGRADE
