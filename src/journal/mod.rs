//! The append-only journal of a run (intent before effect, fsynced) and the lock that keeps a second run out.
