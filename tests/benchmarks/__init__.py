"""What the pages and the capture cost, measured at a size that tests never reach."""
