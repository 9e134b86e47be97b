"""The rules, one file each. A rule judges a case and knows whether it is narrower than another rule of its kind."""
