"""Switches the vitcnn plugin on; another repository does the same."""

pytest_plugins = ["vitcnn.pytest_plugin"]
