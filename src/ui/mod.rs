//! The only place that prints: streams, colour, progress, questions, error display.
