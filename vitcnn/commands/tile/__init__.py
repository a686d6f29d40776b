"""`vitcnn tile`: its grammar, the model it is asked for, what it sees, and what it draws and writes."""

from vitcnn.commands.tile.command import add_to as add_to
