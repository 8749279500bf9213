"""Pages of docs/reference that are made from the code: `python -m tests.docs.made` writes them."""
