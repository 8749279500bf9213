"""Statistics: what numbers of two sides say, however often one looks. Each function states its guarantee and its source.

A method here is either exact (betting, proof, quantiles, differences, history, several), asymptotic (means) or a
yardstick for others (oracle); none decides anything.
"""
