//! Where the world takes part in writes: limit ranges, resource quotas, and the protection of claims in use.

mod limit_ranges;
mod protection;
mod quotas;

pub use limit_ranges::LimitRanges;
pub use protection::Protection;
pub use quotas::Quotas;
