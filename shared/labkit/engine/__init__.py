"""The processes between the `lab` command and a check: client, conductor, zygote, checker."""
