"""An outgoing call inside FreeSWITCH, and the record of an attempt whose gofaxsend has died."""
