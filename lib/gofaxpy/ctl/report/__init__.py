"""gofaxctl report: xferfaxlog read back."""
