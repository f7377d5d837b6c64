"""The school's app: its database, its areas of school life, its command line."""
