"""What some tables come to before they run: runs, cost, disk."""
