"""What stands by a learner: progress, watch, tour, doctor."""
