"""From numbers to tables, charts and sentences: one module a bench."""
