"""`python -m vitcnn` is the `vitcnn` command."""

import sys

from vitcnn.cli import main

sys.exit(main())
