"""Loading layers from files: rows checked one layer at a time, staged by COPY, then merged."""
