"""Latin letters as the Cyrillic ones that look the same."""

LOOKALIKES = str.maketrans("ABCEHKMOPTXYaceopxy", "АВСЕНКМОРТХУасеорху")
