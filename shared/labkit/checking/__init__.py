"""What runs in the trusted checker: the checks' handles and expectations, pytest around them, the verdicts."""
