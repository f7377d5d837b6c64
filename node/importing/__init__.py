"""Import of lists a school has already: a CSV or XLSX file and a mapping, whose language `mapping` tells."""
