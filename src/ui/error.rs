//! Shows an error in the manner of rustc: message, place with caret, callers, notes, what to do next.

use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::error::{Error, ObjectRef, Place};

/// The text of an error, with ANSI styles and a final newline.
pub(super) fn render(error: &Error) -> String {
    let message = match error.object_ref() {
        Some(o) if !names(error.message(), o) => format!("{o}: {}", error.message()),
        _ => error.message().to_owned(),
    };
    let mut group = Group::with_title(Level::ERROR.primary_title(message));
    for (n, place) in error.places().iter().enumerate() {
        group = element(group, place, n == 0);
    }
    let mut text = Renderer::styled().render(&[group]);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    let indent = if error.places().is_empty() { "  " } else { "   " };
    for note in error.notes() {
        for (n, line) in note.lines().enumerate() {
            let _ = writeln!(text, "{indent}{} {line}", if n == 0 { "=" } else { " " });
        }
    }
    if let Some(hint) = error.hint_text() {
        for (n, line) in hint.lines().enumerate() {
            let _ = writeln!(text, "{indent}{} {line}", if n == 0 { "→" } else { " " });
        }
    }
    text
}

/// Whether the message says already which object it is about.
fn names(message: &str, object: &ObjectRef) -> bool {
    let path = object.namespace.as_ref().map_or_else(|| object.name.clone(), |ns| format!("{ns}/{}", object.name));
    message.split([' ', ':', ',', '`', '"']).any(|word| word == path || word == object.name)
}

fn element<'a>(group: Group<'a>, place: &'a Place, first: bool) -> Group<'a> {
    let Some(span) = place.source.as_deref().and_then(|s| span(s, place)) else {
        return group
            .element(Origin::path(place.file.as_str()).line(place.line).char_column(place.column.saturating_sub(1)));
    };
    let kind = if first { AnnotationKind::Primary } else { AnnotationKind::Context };
    let label = place.label.as_deref().or((!first).then_some("called from here"));
    let snippet = Snippet::source(place.source.as_deref().unwrap_or_default())
        .path(place.file.as_str())
        .annotation(kind.span(span).label(label));
    group.element(snippet)
}

/// Byte range of a place in its source; `None` where the source has no such line.
fn span(source: &str, place: &Place) -> Option<Range<usize>> {
    let mut start = 0;
    for (n, line) in source.split_inclusive('\n').enumerate() {
        if n + 1 == place.line {
            let text = line.trim_end_matches(['\n', '\r']);
            let offset = |chars: usize| text.char_indices().nth(chars).map_or(text.len(), |(i, _)| i);
            let (from, to) =
                (offset(place.column.saturating_sub(1)), offset(place.column.saturating_sub(1) + place.length));
            return Some(start + from..start + to.max(from));
        }
        start += line.len();
    }
    // The end of the file: one past its last line.
    (place.line > 0 && start == source.len() && !source.is_empty()).then_some(source.len()..source.len())
}

#[cfg(test)]
mod tests {
    use super::super::plain_error;
    use crate::error::{Code, Error, Place};

    #[test]
    fn shows_place_caret_notes_and_hint() {
        let source = "fn review(o) {\n    check::that(\"x\", cluster::is_redy(p));\n}\n";
        let error = Error::new(Code::Script, "no function `cluster::is_redy` with 1 argument")
            .at(Place::new("scripts/phases/a.rhai", 2, 31)
                .with_source(source)
                .with_length(7)
                .with_label("did you mean `is_ready`?"))
            .note("nothing was run")
            .hint("Correct the name");
        let text = plain_error(&error);
        assert_eq!(
            text,
            "error: no function `cluster::is_redy` with 1 argument
 --> scripts/phases/a.rhai:2:31
  |
2 |     check::that(\"x\", cluster::is_redy(p));
  |                               ^^^^^^^ did you mean `is_ready`?
   = nothing was run
   → Correct the name
"
        );
    }

    #[test]
    fn names_the_object_when_the_message_does_not() {
        let error = Error::new(Code::Failed, "never became ready").object("Pod", Some("a"), "b");
        assert_eq!(plain_error(&error), "error: Pod a/b: never became ready\n");
    }
}
