mod broken;
mod editing;
mod full_disk;
mod order;
mod property;
mod reading;
mod writing;

use jiff::Zoned;

use super::Ledger;
use crate::error::Error;

/// The shortest ledger in use.
const SHORT: &str = r#"{
  "phases": [
    { "id": "phase_1", "status": "pending", "objectives": [
      { "id": "1.1", "status": "completed" },
      { "id": "1.2", "status": "pending" }
    ] },
    { "id": "phase_2", "status": "pending", "objectives": [
      { "id": "2.1", "status": "pending" }
    ] }
  ],
  "current_status": { "active_phase": "phase_1", "completion_percentage": 33 }
}"#;

fn now() -> Zoned {
    "2026-11-24T09:12:33+01:00[Europe/Berlin]".parse().unwrap()
}

fn ledger(text: &str) -> Ledger {
    Ledger::parse(text.to_owned(), "goals.json").unwrap()
}

fn broken(text: &str) -> Error {
    Ledger::parse(text.to_owned(), "goals.json").unwrap_err()
}

fn shipped() -> Ledger {
    ledger(&super::shipped("2026-11-20".parse().unwrap()))
}
