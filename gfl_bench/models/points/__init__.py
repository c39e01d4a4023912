"""Reading maps at points between their cells, several for each location."""
