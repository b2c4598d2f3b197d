//! `dpb goals …`: reads and changes the ledger.

use std::fmt::Write;

use serde::Serialize;

use crate::error::{Code, Error, Result};
use crate::goals::{Ledger, Next, Objective, Status};
use crate::report::{self, Report};
use crate::ui::style::{BAD, BOLD, DIM, GOOD, WARN, paint};

use super::cli::Goals;
use super::open::Opener;

/// Runs a subcommand of `goals`.
pub(super) fn run(opener: &Opener<'_>, command: &Goals) -> Result<u8> {
    let repo = opener.repo()?;
    let settings = opener.settings(&repo)?;
    if matches!(command, Goals::Init) {
        return super::init::ledger(opener, &repo, &settings).map(|()| 0);
    }
    let ledger = Opener::ledger(&repo, &settings)?;
    let print = |text: String| opener.ui.out(&text);
    match command {
        Goals::List { output } => print(report::render(&List::of(&ledger), (*output).into(), opener.ui.columns())?)?,
        Goals::Show { id, output } => {
            let shown = Shown(ledger.objective(id)?.clone());
            print(report::render(&shown, (*output).into(), opener.ui.columns())?)?;
        }
        Goals::Next { output } => {
            let (objective, blocked) = match ledger.next() {
                Next::Objective(o) => (o, false),
                Next::BlockedBy(o) => (o, true),
                Next::Done => {
                    print("Every objective is completed.\n".to_owned())?;
                    return Ok(0);
                }
            };
            print(report::render(&Row::of(objective), (*output).into(), opener.ui.columns())?)?;
            if blocked {
                return Ok(Code::NotReady.exit());
            }
        }
        Goals::Set { id, status } => set(opener, &repo, &settings, &ledger, id, status)?,
        Goals::Check => return check(opener, &ledger),
        Goals::Init => {}
    }
    Ok(0)
}

fn set(
    opener: &Opener<'_>,
    repo: &crate::git::Repo,
    settings: &crate::settings::Settings,
    ledger: &Ledger,
    id: &str,
    word: &str,
) -> Result<()> {
    let before = ledger.objective(id)?.status_word.clone();
    let status = Status::of(word).ok_or_else(|| {
        Error::new(Code::Usage, format!("`{word}` is no status"))
            .hint("Write pending, in_progress, blocked or completed")
    })?;
    // One who works on the ledger and a run exclude each other.
    let state = repo.make_state_dir()?;
    let _lock = crate::journal::Lock::acquire(&state, &format!("goals set {id}"), jiff::Timestamp::now())?;
    let edit = ledger.edit(&jiff::Zoned::now());
    let edit = if status == Status::Completed { edit.complete(id) } else { edit.set_status(id, status) };
    let path = repo.root().join(&settings.initiative.ledger);
    let after = edit.write(&path, &state.join("backups"))?;
    opener.ui.note(&format!(
        "{id}: {before} → {}; {} % completed",
        after.objective(id)?.status_word,
        after.progress().percent
    ));
    opener.ui.note(&format!("Not committed: git add {0} && git commit", settings.initiative.ledger));
    Ok(())
}

fn check(opener: &Opener<'_>, ledger: &Ledger) -> Result<u8> {
    let warnings = ledger.warnings();
    for warning in &warnings {
        opener.ui.warning(warning);
    }
    let progress = ledger.progress();
    opener.ui.out(&format!(
        "{}: {} objectives in {} phases, {}\n",
        ledger.display(),
        progress.total,
        progress.phases.len(),
        if warnings.len() == 1 { "1 warning".to_owned() } else { format!("{} warnings", warnings.len()) }
    ))?;
    Ok(0)
}

/// One objective in a list.
#[derive(Serialize)]
struct Row {
    id: String,
    name: String,
    phase: String,
    status: String,
    #[serde(skip)]
    known: Status,
    completed: Option<String>,
}

impl Row {
    fn of(o: &Objective) -> Self {
        Self {
            id: o.id.clone(),
            name: o.name.clone(),
            phase: o.phase.clone(),
            status: o.status_word.clone(),
            known: o.status,
            completed: o.completion_timestamp.clone(),
        }
    }

    fn line(&self) -> String {
        let (mark, style) = match self.known {
            Status::Completed => ("✓", GOOD),
            Status::InProgress => ("›", WARN),
            Status::Blocked => ("✗", BAD),
            Status::Pending => ("·", DIM),
        };
        let when = self.completed.as_deref().and_then(|t| t.get(..10)).unwrap_or_default();
        format!("  {} {:<5} {:<44} {:<12} {when}", paint(style, mark), self.id, self.name, self.status)
            .trim_end()
            .to_owned()
    }
}

impl Report for Row {
    fn text(&self, _columns: usize) -> String {
        self.line()
    }

    fn markdown(&self) -> String {
        format!("**{} {}** ({})", self.id, self.name, self.status)
    }
}

#[derive(Serialize)]
struct List {
    completed: usize,
    total: usize,
    percent: u32,
    objectives: Vec<Row>,
    #[serde(skip)]
    phases: Vec<(String, String)>,
}

impl List {
    fn of(ledger: &Ledger) -> Self {
        let p = ledger.progress();
        Self {
            completed: p.completed,
            total: p.total,
            percent: p.percent,
            objectives: ledger.objectives().map(Row::of).collect(),
            phases: ledger.phases().iter().map(|p| (p.id.clone(), p.name.clone())).collect(),
        }
    }
}

impl Report for List {
    fn text(&self, _columns: usize) -> String {
        let mut out = String::new();
        for (id, name) in &self.phases {
            let _ = writeln!(out, "{}", paint(BOLD, &format!("{} {name}", id.replace("phase_", "Phase "))));
            for row in self.objectives.iter().filter(|o| o.phase == *id) {
                let _ = writeln!(out, "{}", row.line());
            }
        }
        let _ = writeln!(out, "{} of {} completed, {} %", self.completed, self.total, self.percent);
        out
    }

    fn markdown(&self) -> String {
        let mut out = String::from("| id | name | status | completed |\n|---|---|---|---|\n");
        for o in &self.objectives {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                o.id,
                o.name,
                o.status,
                o.completed.as_deref().unwrap_or_default()
            );
        }
        out
    }
}

/// One objective with everything that the ledger says of it.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Objective);

impl Report for Shown {
    fn text(&self, columns: usize) -> String {
        let o = &self.0;
        let mut out = format!("{}   {}\n", paint(BOLD, &o.title()), o.status_word);
        for line in crate::ui::wrap(&o.description, columns.saturating_sub(2)) {
            let _ = writeln!(out, "  {line}");
        }
        for (title, lines) in
            [("after", &o.prerequisites), ("delivers", &o.deliverables), ("done when", &o.validation_criteria)]
        {
            for (n, text) in lines.iter().enumerate() {
                for (m, line) in crate::ui::wrap(text, columns.saturating_sub(16)).iter().enumerate() {
                    let lead = if n == 0 && m == 0 { title } else { "" };
                    let _ = writeln!(out, "  {lead:<11} {} {line}", if m == 0 { "-" } else { " " });
                }
            }
        }
        let facts = [
            ("takes", &o.estimated_duration),
            ("assigned", &o.assigned_to),
            ("completed", &o.completion_timestamp),
            ("notes", &o.notes),
        ];
        for (title, text) in facts {
            if let Some(text) = text {
                let _ = writeln!(out, "  {title:<11} {text}");
            }
        }
        if let Some(dpb) = &o.dpb {
            let _ = writeln!(out, "  recorded");
            for line in crate::manifest::emit(dpb).lines() {
                let _ = writeln!(out, "    {line}");
            }
        }
        out
    }

    fn markdown(&self) -> String {
        let o = &self.0;
        let list = |items: &[String]| {
            items.iter().fold(String::new(), |mut text, item| {
                let _ = writeln!(text, "- {item}");
                text
            })
        };
        format!(
            "## {}\n\n{} ({})\n\n### Delivers\n\n{}\n### Done when\n\n{}",
            o.title(),
            o.description,
            o.status_word,
            list(&o.deliverables),
            list(&o.validation_criteria)
        )
    }
}
