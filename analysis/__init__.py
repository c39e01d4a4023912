"""From the records of runs to tables: pandas and scipy, no torch."""
