"""What HotWax told us, kept: outlives the log's 60 days, and answers every page."""
