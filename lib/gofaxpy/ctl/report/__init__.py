"""gofaxctl report: reads xferfaxlog back, counts, and writes tables, CSV, JSON or HTML."""
