//! Simulated operators and the in-process S3 server; known only to the place that picks them.
