"""Import of lists a school has already: a CSV or XLSX file and a mapping, whose language `mapping` tells.

Nothing is imported here: the plans read their lists with modules of this package, and the rules for marks stand on the
journal, which reads the plans.
"""
