"""The whole serving path as one readable file: `hal bundle`."""
