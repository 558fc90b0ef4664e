"""An outgoing call inside FreeSWITCH, and what is left of one whose gofaxsend has died."""
