"""gofaxsend: one process for a job, or for a batch of jobs."""
