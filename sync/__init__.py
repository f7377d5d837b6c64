"""Clock, change capture, changesets, merge and the sync session; imports shared alone."""
