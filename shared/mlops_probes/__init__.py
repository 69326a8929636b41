"""What a check puts beside the learner's code inside the worker: recorders, spies, services. Labs never import it."""
