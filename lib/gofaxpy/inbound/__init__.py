"""An incoming fax, from the INVITE to faxrcvd."""
