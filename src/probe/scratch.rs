//! Names for scratch objects.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A name that no other run uses: `prefix-<time><process><counter>`, in characters that Kubernetes and S3 allow.
pub fn scratch(prefix: &str) -> String {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mixed = nanos ^ (u128::from(std::process::id()) << 64);
    format!("{prefix}-{:010x}{count:x}", (mixed ^ (mixed >> 40)) & 0xff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_names_differ() {
        let (a, b) = (scratch("dpb"), scratch("dpb"));
        assert_ne!(a, b);
        assert!(a.starts_with("dpb-") && a.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
    }
}
