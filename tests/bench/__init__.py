"""Benchmarks: how much of a machine the project takes, each figure against a reference measured in the same run.

``make bench`` prints one JSON line per figure and a table at the end; ``make bench-compare BASE=<git rev>`` measures two
revisions in turn.  Nothing here is a timed test: ``make test`` only looks whether every figure can still be taken.
"""
