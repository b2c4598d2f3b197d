//! Where the world takes part in writes: limit ranges and resource quotas.

mod limit_ranges;
mod quotas;

pub use limit_ranges::LimitRanges;
pub use quotas::Quotas;
