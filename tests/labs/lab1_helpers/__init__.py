"""What the checks of lab 1 compute with: samples, and judgements that several checks share. Out of a learner's reach."""
