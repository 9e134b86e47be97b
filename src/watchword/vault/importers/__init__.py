"""Reads the files bots keep their secrets in, and says where in them the secret stands so that it can be blanked."""
