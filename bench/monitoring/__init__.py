"""What the metrics, the scrape and the drift report of week 6 cost."""
