//! The ledger `goals.json`: read generously, written surgically, `current_status` derived.
