"""Every measured claim, one file each: `python -m bench [NAME …]`."""
