"""Running a suite in processes of its own: to record, to measure again, to compare two revisions."""
