mod full_disk;
mod locking;
mod stories;

use jiff::Timestamp;

use super::Clock;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn clock() -> Clock {
    Clock::fixed(time("2026-11-24T09:12:00Z"))
}
