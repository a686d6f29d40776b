"""The subcommands of `vitcnn`: their parsers and functions; everything else is imported when a command runs."""
