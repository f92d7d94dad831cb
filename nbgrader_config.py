"""nbgrader's view of the course: the layout, who decides a grade, what lateness costs.

``nbgrader autograde`` and formgrader's button read this file, so that they go
through the same checker as ``cs-infer grade``.
"""

from cs_infer.judge.records.configure import configure

c = get_config()  # noqa: F821 (nbgrader provides it)

c.CourseDirectory.source_directory = "_build/nbgrader/source"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.submitted_directory = "_build/nbgrader/submitted"
c.CourseDirectory.autograded_directory = "_build/nbgrader/autograded"
c.CourseDirectory.feedback_directory = "_build/nbgrader/feedback"
c.CourseDirectory.db_url = "sqlite:///_build/nbgrader/gradebook.db"

configure(c)

# Applies to assignments with a due date: cs-infer due ASSIGNMENT DATE
c.AssignLatePenalties.plugin_class = "cs_infer.judge.records.late.PerDay"
c.PerDay.share = 0.1
c.PerDay.grace_hours = 1
c.PerDay.most = 0.5
