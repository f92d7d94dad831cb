"""nbgrader's view of this small course; the layout is that of the whole one."""

from cs_infer.judge.records.configure import configure

c = get_config()  # noqa: F821 (nbgrader provides it)

c.CourseDirectory.source_directory = "_build/nbgrader/source"
c.CourseDirectory.release_directory = "assignments"
c.CourseDirectory.submitted_directory = "_build/nbgrader/submitted"
c.CourseDirectory.autograded_directory = "_build/nbgrader/autograded"
c.CourseDirectory.feedback_directory = "_build/nbgrader/feedback"
c.CourseDirectory.db_url = "sqlite:///_build/nbgrader/gradebook.db"

configure(c)
