"""Text to domain, with every error at its line. Pure: it is given texts, never paths.

`read` is the whole of it: several files to one `Document`.
"""
