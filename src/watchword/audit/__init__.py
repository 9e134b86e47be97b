"""The audit trail: what happened, in an order nobody can change unseen. Pure: files, threads and processes are adapters."""
