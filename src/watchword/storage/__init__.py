"""What several adapters need of a disk: private files, held folders, sealed cells, SQLite's faults as ours."""
