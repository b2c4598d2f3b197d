//! Ctrl-C: the first stops the work, the second also the taking back.

use crate::cancel::Cancel;
use crate::ui::Ui;

/// Listens for SIGINT and SIGTERM as long as the process lives.
pub(super) fn listen(runtime: &tokio::runtime::Handle, work: Cancel, undo: Cancel, ui: Ui) {
    runtime.spawn(async move {
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
        for count in 0.. {
            let terminated = async {
                match &mut term {
                    Some(signal) => _ = signal.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                result = tokio::signal::ctrl_c() => if result.is_err() { return },
                () = terminated => {}
            }
            if count == 0 {
                ui.note("  ! interrupted: what was begun is taken back; once more stops that too");
                work.interrupt();
            } else {
                ui.warning("interrupted again: the taking back stops too");
                undo.interrupt();
            }
        }
    });
}
