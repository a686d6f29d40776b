"""From a case, or a function of the user's own, to its record."""
