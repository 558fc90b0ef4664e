"""A model of sending, held against the real faxq and hfaxd: random attempts, accidents, clients and administrators."""
