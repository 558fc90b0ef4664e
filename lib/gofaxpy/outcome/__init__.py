"""The whole policy: what the end of an attempt to send means for the job."""
