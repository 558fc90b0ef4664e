"""What the accounting tells over a period: ``gofaxctl report``.

:mod:`period` says from when to when, :mod:`tally` counts, :mod:`export` writes CSV and what JSON is made of, :mod:`text` the
tables of a terminal, :mod:`page` one self-contained HTML page with the plots of :mod:`svg`.
"""
