"""From samples and a baseline to verdicts, with reasons: pure statistics, from records alone."""
