"""What the checks of lab 1 compute with: samples, and judgements that several checks share. No learner can reach it."""
