"""nbgrader's settings: `nbgrader autograde 03_lstm`, formgrader and `make grade` all read this file.

source → release → submitted → autograded → feedback, the gradebook and the secret lie in one private working folder.
"""

from pathlib import Path

from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades

from coursekit.grading.specs import STUB

work = Path(__file__).parent / "_build" / "nbgrader"
c = get_config()  # noqa: F821
c.CourseDirectory.root = str(work)
c.CourseDirectory.course_id = "lstm"
c.Exchange.root = str(work / "exchange")  # on a shared server: a folder that students can reach, too
c.ClearSolutions.code_stub = {"python": STUB}

# Reader makes every submitted file the released notebook with answers in it; Judge takes the place of Execute.
c.Autograde.exporter_class = "coursekit.grading.judge.Reader"
c.Autograde.sanitize_preprocessors = []
c.Autograde.autograde_preprocessors = ["coursekit.grading.judge.Judge", SaveAutoGrades, AssignLatePenalties]
