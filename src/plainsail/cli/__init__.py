"""The command line: one file a noun, loaded when its command is used."""
