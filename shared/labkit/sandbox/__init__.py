"""The learner's side of the wall: the walls themselves, the nursery, the worker, and how one speaks to it."""
