//! A step's line while the step lasts.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::check::Verdict;
use crate::progress::Progress;

use super::stream::write_all;
use super::style;
use super::text::width;

/// Plain lines of one step repeat no more often than this, unless the reason is new.
const PLAIN_PAUSE: Duration = Duration::from_secs(1);

/// A line that lives until its step ends. Dropped without an end, it vanishes.
#[derive(Debug)]
pub struct Live {
    step: String,
    began: Instant,
    bar: Option<ProgressBar>,
    plain: Arc<Mutex<Plain>>,
    color: bool,
    quiet: bool,
}

#[derive(Debug)]
struct Plain {
    last: String,
    at: Option<Instant>,
}

impl Live {
    pub(super) fn start(step: &str, terminal: bool, quiet: bool, color: bool) -> Self {
        let bar = terminal.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let template = if color {
                "  {spinner:.cyan} {prefix:<12} {wide_msg} {elapsed}"
            } else {
                "  {spinner} {prefix:<12} {wide_msg} {elapsed}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
            }
            bar.set_prefix(step.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        let plain = Arc::new(Mutex::new(Plain { last: String::new(), at: None }));
        Self { step: step.to_owned(), began: Instant::now(), bar, plain, color, quiet }
    }

    /// Where lower layers say why they wait.
    pub fn progress(&self) -> Progress {
        let (bar, plain, step, quiet) = (self.bar.clone(), Arc::clone(&self.plain), self.step.clone(), self.quiet);
        Progress::new(move |reason| say(bar.as_ref(), &plain, &step, quiet, reason))
    }

    /// Says why this step waits.
    pub fn say(&self, reason: &str) {
        say(self.bar.as_ref(), &self.plain, &self.step, self.quiet, reason);
    }

    /// Ends the line with a verdict and what was seen; returns how long the step took.
    pub fn end(self, verdict: Verdict, seen: &str) -> Duration {
        let elapsed = self.began.elapsed();
        self.end_as(&style::mark(verdict), seen, elapsed);
        elapsed
    }

    /// Ends the line with a mark of the caller's.
    pub fn end_with(self, mark: &str, seen: &str) {
        let elapsed = self.began.elapsed();
        self.end_as(mark, seen, elapsed);
    }

    fn end_as(&self, mark: &str, seen: &str, elapsed: Duration) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.quiet {
            return;
        }
        let line = step_line(mark, &self.step, seen, elapsed);
        let _ = write_all(&mut std::io::stderr().lock(), &format!("{line}\n"), self.color);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn say(bar: Option<&ProgressBar>, plain: &Mutex<Plain>, step: &str, quiet: bool, reason: &str) {
    if let Some(bar) = bar {
        bar.set_message(reason.to_owned());
    } else if !quiet {
        plain_line(plain, step, reason);
    }
}

fn plain_line(plain: &Mutex<Plain>, step: &str, reason: &str) {
    let Ok(mut plain) = plain.lock() else { return };
    if plain.last == reason || plain.at.is_some_and(|t| t.elapsed() < PLAIN_PAUSE) {
        return;
    }
    reason.clone_into(&mut plain.last);
    plain.at = Some(Instant::now());
    let _ = writeln!(std::io::stderr().lock(), "  … {step:<12} {reason}");
}

/// `  ✓ gate         11 checks …   0.4 s`: the time stands at the right edge of 88 columns where there is room; a text
/// that would go beyond goes on below its own beginning.
fn step_line(mark: &str, step: &str, seen: &str, elapsed: Duration) -> String {
    let time = format!("{:.1} s", elapsed.as_secs_f64());
    let lines = super::wrap(seen, 88 - 17 - 2 - time.len());
    let left = format!("  {mark} {step:<12} {}", lines[0]);
    let gap = 88_usize.saturating_sub(width(&left) + time.len()).max(2);
    let mut text = format!("{left}{}{}", " ".repeat(gap), style::paint(style::DIM, &time));
    for line in &lines[1..] {
        text.push('\n');
        text.push_str(&" ".repeat(17));
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_line_has_its_time_at_the_right() {
        let line = step_line("✓", "gate", "11 checks", Duration::from_millis(420));
        assert_eq!(width(&line.replace('\u{1b}', "")), line.replace('\u{1b}', "").chars().count());
        assert!(anstream::adapter::strip_str(&line).to_string().ends_with("0.4 s"));
        assert!(anstream::adapter::strip_str(&line).to_string().starts_with("  ✓ gate         11 checks"));
    }

    #[test]
    fn a_long_text_goes_on_below_itself() {
        let line = step_line("✓", "commit", &"word ".repeat(30), Duration::from_secs(1));
        let plain = anstream::adapter::strip_str(&line).to_string();
        let lines: Vec<&str> = plain.lines().collect();
        assert!(lines.len() > 1 && lines.iter().all(|l| width(l) <= 88), "{plain}");
        assert!(lines[0].ends_with("1.0 s") && lines[1].starts_with(&format!("{}word", " ".repeat(17))), "{plain}");
    }
}
