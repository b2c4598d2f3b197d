//! Reports for people: the answer first, one line a fact, columns that line up.

use std::fmt::Write;

use crate::check::{Check, Verdict};
use crate::ui::style::{BAD, BOLD, COMMAND, DIM, GOOD, WARN, mark, paint};
use crate::ui::{width, wrap};

use super::{Execution, Impact, Objective, Outcome, Report, Review, Risk, Validation};

/// One check a line, names in a column, long texts wrapped under themselves; with its details.
pub fn check_lines(checks: &[Check], columns: usize) -> String {
    lines(checks, name_width(checks), columns)
}

/// Room for the longest name; a very long one sticks out rather than push all others to the right.
fn name_width<'a>(checks: impl IntoIterator<Item = &'a Check>) -> usize {
    checks.into_iter().map(|c| width(&c.name)).max().unwrap_or(0).clamp(14, 34)
}

fn lines(checks: &[Check], name_width: usize, columns: usize) -> String {
    let mut out = String::new();
    for check in checks {
        let name = format!("{}{}", check.name, " ".repeat(name_width.saturating_sub(width(&check.name))));
        let indent = 4 + name_width + 1;
        fact(&mut out, &format!("  {} {name} ", mark(check.verdict)), indent, &check.seen, columns);
        // What passed needs no proof in detail; machine formats hold it.
        let details = check.details.iter().filter(|_| check.verdict != Verdict::Pass);
        for detail in details.flat_map(|d| d.lines()) {
            let _ = writeln!(out, "{}{}", " ".repeat(indent), paint(DIM, detail));
        }
    }
    out
}

/// `head` followed by `text`, wrapped below its own beginning.
fn fact(out: &mut String, head: &str, indent: usize, text: &str, columns: usize) {
    let lines = wrap(text, columns.saturating_sub(indent).max(20));
    let _ = writeln!(out, "{head}{}", lines[0]);
    for line in &lines[1..] {
        let _ = writeln!(out, "{}{line}", " ".repeat(indent));
    }
}

/// Ten cells of progress.
fn bar(done: usize, total: usize) -> String {
    let halves = (done * 20 + total / 2).checked_div(total).unwrap_or(0);
    let mut text = "█".repeat(halves / 2);
    if halves % 2 == 1 {
        text.push('▌');
    }
    let rest = 10_usize.saturating_sub(text.chars().count());
    text + &"░".repeat(rest)
}

impl Report for Review {
    fn text(&self, columns: usize) -> String {
        let mut out = String::new();
        let head = self.head.as_ref().map_or(String::new(), |h| format!("   {} @ {}, {}", h.branch, h.commit, h.flux));
        let _ = writeln!(out, "{} on {}{head}\n", paint(BOLD, &self.initiative), self.cluster);
        // One column for the whole report.
        let own = self.objective.iter().flat_map(|o| &o.checks);
        let names = name_width(self.triggers.checks.iter().chain(&self.platform).chain(own));
        if let Some(phase) = &self.phase {
            let number = phase.id.trim_start_matches("phase_");
            let _ = writeln!(
                out,
                "  Phase {number} {}  {}  {} of {}       {} of {} objectives, {} %",
                phase.name,
                bar(phase.completed, phase.total),
                phase.completed,
                phase.total,
                self.completed,
                self.total,
                self.percent
            );
        }
        if let Some(next) = &self.next {
            let _ = writeln!(out, "  {:<18}  {} {} ({})", "Next", next.id, next.name, next.status);
        }
        for warning in &self.warnings {
            fact(&mut out, &format!("  {} ", paint(WARN, "!")), 4, warning, columns);
        }
        let _ = writeln!(out, "\n{}   {}", paint(BOLD, "Triggers"), trigger_line(self));
        out += &lines(&self.triggers.checks, names, columns);
        let ready = self.platform.iter().filter(|c| matches!(c.verdict, Verdict::Pass | Verdict::Warn)).count();
        let _ = writeln!(out, "\n{}   {ready} of {} ready", paint(BOLD, "Platform"), self.platform.len());
        out += &lines(&self.platform, names, columns);
        if let Some(objective) = &self.objective {
            objective_text(&mut out, objective, names, columns);
        }
        blockers_text(&mut out, &self.blockers, columns);
        if let Some(impact) = &self.impact {
            impact_text(&mut out, impact, names, columns);
        }
        out.push('\n');
        for (n, action) in self.actions.iter().enumerate() {
            fact(&mut out, &format!("  {}. ", n + 1), 5, action, columns);
        }
        let verdict = if self.ready { paint(GOOD, "Ready.") } else { paint(BAD, "Not ready.") };
        let lead = if self.ready { "Type:" } else { "Afterwards:" };
        match &self.command {
            Some(command) => _ = writeln!(out, "{verdict} {lead}  {}", paint(COMMAND, command)),
            None if self.completed == self.total && self.total > 0 => {
                _ = writeln!(out, "{}", paint(GOOD, "Every objective is completed."));
            }
            None => _ = writeln!(out, "{verdict}"),
        }
        out
    }

    fn markdown(&self) -> String {
        super::markdown::review(self)
    }
}

fn trigger_line(review: &Review) -> String {
    let t = &review.triggers;
    let count = format!("{} of {} met, any one suffices", t.met, t.checks.len());
    t.waived.as_ref().map_or(count.clone(), |why| format!("{count}; {why}"))
}

/// A label in the column of the names, so that what follows it stands where the checks' texts stand.
fn label(text: &str, names: usize) -> String {
    format!("  {text}{} ", " ".repeat((names + 2).saturating_sub(width(text))))
}

fn objective_text(out: &mut String, o: &Objective, names: usize, columns: usize) {
    let _ =
        writeln!(out, "\n{}   {}", paint(BOLD, &format!("{} {}", o.name.id, o.name.name)), paint(DIM, &o.name.status));
    let indent = names + 5;
    if o.prerequisites.is_empty() {
        let _ = writeln!(out, "{}nothing", label("after", names));
    }
    for (n, check) in o.prerequisites.iter().enumerate() {
        let head = format!("{}{} ", label(if n == 0 { "after" } else { "" }, names), mark(check.verdict));
        fact(out, &head, indent + 2, &format!("{} {}", check.name, check.seen), columns);
    }
    for (n, line) in o.deliverables.iter().enumerate() {
        fact(out, &label(if n == 0 { "delivers" } else { "" }, names), indent, line, columns);
    }
    *out += &lines(&o.checks, names, columns);
}

fn blockers_text(out: &mut String, blockers: &[Check], columns: usize) {
    if blockers.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint(BAD, &format!("Blocked by {}", blockers.len())));
    let name_width = blockers.iter().map(|c| width(&c.name)).max().unwrap_or(0).clamp(10, 28);
    for check in blockers {
        let pad = " ".repeat(name_width.saturating_sub(width(&check.name)));
        let indent = 2 + name_width + 2;
        fact(out, &format!("  {}{pad}  ", check.name), indent, &check.seen, columns);
        if let Some(remedy) = &check.remedy {
            fact(out, &" ".repeat(indent), indent, remedy, columns);
        }
        if let Some(command) = &check.command {
            let _ = writeln!(out, "{}  {}", " ".repeat(indent), paint(COMMAND, command));
        }
    }
}

fn impact_text(out: &mut String, impact: &Impact, names: usize, columns: usize) {
    let _ = writeln!(out, "\n{}", paint(BOLD, "Resources"));
    let indent = names + 5;
    fact(out, &label("needs", names), indent, &impact.needs, columns);
    let lead = match impact.fits {
        Some(true) => label("fits", names),
        Some(false) => label(&format!("{} does not fit", paint(BAD, "✗")), names),
        None => label(&format!("{} fits", paint(WARN, "?")), names),
    };
    for (n, line) in impact.placement.iter().enumerate() {
        let rest = label("", names);
        fact(out, if n == 0 { &lead } else { &rest }, indent, line, columns);
    }
    for (n, node) in impact.nodes.iter().enumerate() {
        let mut line = format!(
            "{}: {}, {} CPU; {} % requested",
            node.name,
            crate::manifest::quantity::bytes_text(node.free_memory),
            crate::manifest::quantity::milli_text(node.free_cpu_milli),
            node.memory_percent
        );
        for extra in [&node.usage, &node.reason].into_iter().flatten() {
            let _ = write!(line, "; {extra}");
        }
        fact(out, &label(if n == 0 { "free now" } else { "" }, names), indent, &line, columns);
    }
    let color = match impact.risk {
        Risk::Low => GOOD,
        Risk::Medium | Risk::Unknown => WARN,
        Risk::High => BAD,
    };
    let risk = format!("{}: {}", paint(color, impact.risk.as_str()), impact.why);
    fact(out, &label("risk", names), indent, &risk, columns);
}

impl Report for Execution {
    fn text(&self, columns: usize) -> String {
        let mut out = String::new();
        let o = &self.objective;
        let added = self.files.iter().filter(|f| f.change == "added").count();
        let _ = writeln!(out);
        if !self.files.is_empty() {
            let _ = writeln!(out, "{}   {added} added, {} changed", paint(BOLD, "Files"), self.files.len() - added);
            for f in &self.files {
                let _ = writeln!(out, "  {:<8} {}", f.change, f.path);
            }
        }
        if let Some(applied) = &self.applied {
            let revision = crate::flux::short(&applied.revision);
            let _ = writeln!(out, "{}   {revision}, {} objects", paint(BOLD, "Flux"), applied.objects);
        }
        if !self.validation.is_empty() {
            let _ = writeln!(out, "{}", paint(BOLD, "Validation"));
            out += &check_lines(&self.validation, columns);
        }
        if let Some(rollback) = &self.rollback {
            for (n, (object, command)) in rollback.kept.iter().enumerate() {
                if n == 0 {
                    let _ = writeln!(out, "{}   these hold data; what would remove them:", paint(BOLD, "Kept"));
                }
                let _ = writeln!(out, "  {object}\n      {}", paint(COMMAND, command));
            }
            if let Some(why) = &rollback.incomplete {
                fact(&mut out, &format!("{}   ", paint(BAD, "Not taken back")), 17, why, columns);
            }
        }
        if !self.ledger.is_empty() {
            fact(&mut out, &format!("{}   ", paint(BOLD, "Ledger")), 9, &self.ledger.join("; "), columns);
        }
        let (style, verdict) = match self.outcome {
            Outcome::Completed => (GOOD, format!("{} {} is completed.", o.id, o.name)),
            Outcome::Unchanged => (GOOD, format!("{} {} is as delivered; nothing to do.", o.id, o.name)),
            Outcome::Planned => (BOLD, format!("{} {} planned; nothing was written.", o.id, o.name)),
            Outcome::NotDelivered => (WARN, format!("{} {}: files written, not delivered.", o.id, o.name)),
            Outcome::Declined => {
                let why = self.failure.as_ref().map_or_else(|| "Nothing was written.".to_owned(), |f| format!("{f}."));
                (BOLD, why)
            }
            Outcome::RolledBack => (BAD, format!("{} {} failed and was taken back; it is {}.", o.id, o.name, o.status)),
            Outcome::RollbackIncomplete => {
                (BAD, format!("{} {} failed, and not all of it could be taken back.", o.id, o.name))
            }
            Outcome::LeftFailed => (BAD, format!("{} {} failed and was left as it is (--no-rollback).", o.id, o.name)),
        };
        let next = self.next.as_ref().map_or(String::new(), |n| format!("  Next:  {}", paint(COMMAND, n)));
        let _ = writeln!(out, "{}{next}", paint(style, &verdict));
        out
    }

    fn markdown(&self) -> String {
        super::markdown::execution(self)
    }
}

impl Report for Validation {
    fn text(&self, columns: usize) -> String {
        let o = &self.objective;
        let mut out = format!("{} on {}\n", paint(BOLD, &format!("{} {}", o.id, o.name)), self.cluster);
        out += &check_lines(&self.checks, columns);
        for check in self.checks.iter().filter(|c| c.blocks()) {
            for line in [&check.remedy, &check.command].into_iter().flatten() {
                let _ = writeln!(out, "      {line}");
            }
        }
        let verdict = if self.proved { paint(GOOD, "Proved.") } else { paint(BAD, "Not proved.") };
        let _ = writeln!(out, "{verdict}");
        out
    }

    fn markdown(&self) -> String {
        super::markdown::validation(self)
    }
}

impl Report for Vec<Validation> {
    fn text(&self, columns: usize) -> String {
        self.iter().map(|v| v.text(columns)).collect::<Vec<_>>().join("\n")
    }

    fn markdown(&self) -> String {
        self.iter().map(super::markdown::validation).collect::<Vec<_>>().join("\n")
    }
}
