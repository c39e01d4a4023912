"""The paper's tables from records: which run stands in which row, in numbers, in words, as text."""
