"""What the course is made of: labs and exercises, marks, starters, tracks, mutants, and the proof that it is whole."""
