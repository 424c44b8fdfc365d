"""What each command of the command line does; a file a group, imported when one of them is called."""
