"""Why a cell is as it is: command, difference, code, seeds, curves, error."""
