//! A phase's budget against what the platform will run steadily. Budgets are cumulative: the platform's total after the
//! phase, not what the phase adds.

use crate::check::{Check, Verdict};
use crate::manifest::quantity::{bytes_text, claim_text, milli_text};

/// Amounts of memory, CPU and storage; `None` where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amounts {
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// CPU in thousandths of a core.
    pub cpu: Option<u64>,
    /// Storage in bytes.
    pub storage: Option<u64>,
}

/// Compares what will run steadily in the platform's namespace with a phase's budget: one check.
///
/// `steady` sums the requests of everything that runs on, and the claims, from the objects of the repository as they
/// will be ([`Plan::objects_in`](super::Plan::objects_in)); Jobs do not count. `not_counted` names what runs pods of
/// unknown size.
pub fn check(phase: &str, budget: &Amounts, steady: &Amounts, not_counted: &[String]) -> Check {
    let rows = [
        ("memory", steady.memory, budget.memory, bytes_text as fn(u64) -> String),
        ("CPU", steady.cpu, budget.cpu, milli_text),
        ("storage", steady.storage, budget.storage, claim_text),
    ];
    let said: Vec<String> = rows
        .iter()
        .filter_map(|(what, used, allowed, text)| {
            let (used, allowed) = ((*used)?, (*allowed)?);
            Some(format!("{} of {} {what}", text(used), text(allowed)))
        })
        .collect();
    if said.is_empty() {
        return Check::new("budget", Verdict::Skip, format!("{phase} has no budget"));
    }
    let over: Vec<String> = rows
        .iter()
        .filter_map(|(what, used, allowed, text)| {
            let (used, allowed) = ((*used)?, (*allowed)?);
            (used > allowed).then(|| format!("{what} by {}", text(used - allowed)))
        })
        .collect();
    let mut check = if over.is_empty() {
        Check::new("budget", Verdict::Pass, format!("{} ({phase})", said.join(", ")))
    } else {
        Check::new("budget", Verdict::Fail, format!("above the budget of {phase}: {}", over.join(", ")))
            .remedy("Lower requests in dpb.yaml, or raise resource_allocation of the phase in goals.json")
    };
    if !over.is_empty() {
        check.details.extend(said.into_iter().map(|line| format!("steady: {line}")));
    }
    check.details.extend(not_counted.iter().map(|what| format!("not counted: {what}")));
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASE_1: Amounts = Amounts { memory: Some(8_000_000_000), cpu: Some(400), storage: Some(65_000_000_000) };

    #[test]
    fn within_and_above() {
        let used = Amounts { memory: Some(4_500_000_000), cpu: Some(300), storage: Some(10 << 30) };
        let fits = check("phase 1", &PHASE_1, &used, &[]);
        assert_eq!(fits.verdict, Verdict::Pass);
        assert_eq!(fits.seen, "4.5 GB of 8 GB memory, 300m of 400m CPU, 10Gi of 60.5Gi storage (phase 1)");
        let over = check("phase 1", &PHASE_1, &Amounts { cpu: Some(450), ..used }, &["HelmRelease x/y".into()]);
        assert_eq!(over.verdict, Verdict::Fail);
        assert_eq!(over.seen, "above the budget of phase 1: CPU by 50m");
        assert_eq!(over.details.last().unwrap(), "not counted: HelmRelease x/y");
        assert_eq!(check("phase 9", &Amounts::default(), &used, &[]).verdict, Verdict::Skip);
    }
}
