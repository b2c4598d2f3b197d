//! The lifecycle of an objective: review, execute, validate, adopt, and the taking back.
//!
//! ```text
//! prepare (review) -> gate -> planned -> trail: mark, write, commit, push -> wait for Flux -> prove -> record
//! anything fails after the first effect -> rollback
//! ```

mod adopt;
mod cut;
mod evidence;
mod execute;
mod follow;
mod gate;
mod history;
mod impact;
mod joined;
mod page;
mod planned;
mod prepare;
mod prove;
mod record;
mod review;
mod rollback;
mod session;
mod steps;
mod trail;

pub use adopt::adopt;
pub use execute::{Request, execute, exit_code};
pub use history::{Line, Runs, Told, list, log};
pub use prove::{Which, validate};
pub use review::review;
pub use session::Session;
