//! `dpb sim …`.

use crate::error::Result;
use crate::script::library::Library;
use crate::sim::operators::{self, Event, Options};
use crate::ui::Ui;

use super::cli::Sim;
use super::open::Opener;

/// Runs a subcommand of `sim`.
pub(super) fn run(opener: &Opener<'_>, command: &Sim) -> Result<u8> {
    match command {
        Sim::Operators { s3 } => {
            // Scripts of a repository in hand overlay the shipped ones; without one the shipped ones are played.
            let library = opener.repo().map_or_else(|_| Library::shipped(), |repo| Library::of_repository(repo.root()));
            let cluster = opener.cluster()?;
            let ui = opener.ui.clone();
            opener.handle().block_on(operators::run(
                &cluster,
                &library,
                Options { s3: *s3, only: Vec::new() },
                &opener.cancel,
                move |event| tell(&ui, &event),
            ))?;
            Ok(0)
        }
    }
}

fn tell(ui: &Ui, event: &Event) {
    match event {
        Event::Playing { script, kinds } => ui.note(&format!("  playing  {script}: {}", kinds.join(", "))),
        Event::S3 { address } => ui.note(&format!("  serving  S3 at {address}")),
        Event::Status { object, state, .. } => ui.note(&format!("  status   {object}: {state}")),
        Event::Gone { object, .. } => ui.note(&format!("  gone     {object}")),
        Event::Trouble { object, error, .. } => {
            ui.warning(&format!("{object}: it will be tried again"));
            ui.error(error);
        }
    }
}
