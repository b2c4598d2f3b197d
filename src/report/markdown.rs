//! Reports as markdown, for a page, a pull request or an issue.

use std::fmt::Write;

use crate::check::{Check, Verdict};

use super::{Execution, Review, Validation};

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warning",
        Verdict::Fail => "**fail**",
        Verdict::Skip => "–",
        Verdict::Unknown => "**unknown**",
    }
}

/// A cell must not end its row.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', "<br>")
}

/// A table of checks; empty text for no checks.
pub(super) fn table(checks: &[Check]) -> String {
    if checks.is_empty() {
        return String::new();
    }
    let mut out = String::from("| check | verdict | seen | remedy |\n|---|---|---|---|\n");
    for c in checks {
        let remedy = [c.remedy.clone().map(|r| cell(&r)), c.command.as_ref().map(|c| format!("`{}`", cell(c)))];
        let remedy = remedy.into_iter().flatten().collect::<Vec<_>>().join("<br>");
        let _ = writeln!(out, "| {} | {} | {} | {remedy} |", cell(&c.name), word(c.verdict), cell(&c.seen));
    }
    out
}

pub(super) fn review(r: &Review) -> String {
    let mut out = format!("# {} on {}\n\n", r.initiative, r.cluster);
    if let Some(h) = &r.head {
        let _ = writeln!(out, "{} @ `{}`, {}\n", h.branch, h.commit, h.flux);
    }
    let _ = writeln!(out, "{} of {} objectives completed, {} %.", r.completed, r.total, r.percent);
    if let Some(n) = &r.next {
        let _ = writeln!(out, "Next: **{} {}** ({}).", n.id, n.name, n.status);
    }
    for w in &r.warnings {
        let _ = writeln!(out, "\n> warning: {w}");
    }
    let _ = writeln!(
        out,
        "\n## Triggers\n\n{} of {} met, any one suffices.\n\n{}",
        r.triggers.met,
        r.triggers.checks.len(),
        table(&r.triggers.checks)
    );
    let _ = writeln!(out, "## Platform\n\n{}", table(&r.platform));
    if let Some(o) = &r.objective {
        let _ = writeln!(
            out,
            "## {} {}\n\n{}{}",
            o.name.id,
            o.name.name,
            table(&o.prerequisites),
            if o.prerequisites.is_empty() { "" } else { "\n" }
        );
        for d in &o.deliverables {
            let _ = writeln!(out, "- {d}");
        }
        let _ = writeln!(out, "\n{}", table(&o.checks));
    }
    if !r.blockers.is_empty() {
        let _ = writeln!(out, "## Blocked by {}\n\n{}", r.blockers.len(), table(&r.blockers));
    }
    if let Some(i) = &r.impact {
        let _ = writeln!(out, "## Resources\n\nNeeds {}. Risk {}: {}\n", i.needs, i.risk.as_str(), i.why);
        for line in &i.placement {
            let _ = writeln!(out, "- {line}");
        }
        let _ = writeln!(out);
    }
    for (n, a) in r.actions.iter().enumerate() {
        let _ = writeln!(out, "{}. {a}", n + 1);
    }
    let verdict = if r.ready { "Ready." } else { "Not ready." };
    let _ = writeln!(out, "\n**{verdict}** {}", r.command.as_ref().map_or(String::new(), |c| format!("`{c}`")));
    out
}

pub(super) fn execution(e: &Execution) -> String {
    let outcome =
        serde_json::to_value(e.outcome).ok().and_then(|v| v.as_str().map(|s| s.replace('_', " "))).unwrap_or_default();
    let mut out = format!("# {} {}: {outcome}\n\n", e.objective.id, e.objective.name);
    if let Some(run) = &e.run {
        let _ = writeln!(out, "Run `{run}` on {}.\n", e.cluster);
    }
    for f in &e.files {
        let _ = writeln!(out, "- {} `{}`", f.change, f.path);
    }
    if let Some(a) = &e.applied {
        let _ = writeln!(out, "\nFlux applied `{}`: {} objects.", a.revision, a.objects);
    }
    if let Some(failure) = &e.failure {
        let _ = writeln!(out, "\n```\n{}\n```", failure.trim_end());
    }
    if !e.validation.is_empty() {
        let _ = writeln!(out, "\n## Validation\n\n{}", table(&e.validation));
    }
    if let Some(r) = &e.rollback {
        let _ = writeln!(out, "\n## Taken back\n\n{} of {} objects gone.", r.gone, r.to_go);
        for (object, command) in &r.kept {
            let _ = writeln!(out, "- kept: {object} (`{command}`)");
        }
        if let Some(why) = &r.incomplete {
            let _ = writeln!(out, "\n**Not taken back**: {why}");
        }
    }
    for line in &e.ledger {
        let _ = writeln!(out, "- ledger: {line}");
    }
    out
}

pub(super) fn validation(v: &Validation) -> String {
    let verdict = if v.proved { "proved" } else { "not proved" };
    format!("# {} {}: {verdict} on {}\n\n{}", v.objective.id, v.objective.name, v.cluster, table(&v.checks))
}
