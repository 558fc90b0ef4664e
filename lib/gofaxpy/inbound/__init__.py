"""An incoming fax, from the answer to faxrcvd."""
