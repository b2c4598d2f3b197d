//! The lifecycle of an objective: review, execute, validate, adopt, rollback.
