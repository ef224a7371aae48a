"""The service and the command line; thin, and the only place that speaks HTTP."""
