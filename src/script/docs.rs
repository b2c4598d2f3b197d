//! Documentation of a registry, for people: markdown.

use std::fmt::Write;

use crate::script::registry::{Function, Registry, Section};

/// The reference of all functions, as markdown.
pub fn markdown<S: 'static>(title: &str, introduction: &str, registry: &Registry<S>) -> String {
    let mut out = format!("# {title}\n\n{introduction}\n\n");
    for section in registry.sections {
        let name = if section.name.is_empty() { "global functions" } else { section.name };
        let _ = writeln!(out, "- [{name}](#{}): {}", anchor(name), section.summary);
    }
    for section in registry.sections {
        let name = if section.name.is_empty() { "global functions" } else { section.name };
        let _ = write!(out, "\n## {name}\n\n{}\n", section.summary);
        for function in section.functions {
            out.push_str(&entry(section, function));
        }
    }
    out
}

fn entry<S>(section: &Section<S>, function: &Function<S>) -> String {
    let mut out = format!("\n### `{}`\n\n", section.qualified(function));
    let prefix = section.qualified(function);
    let prefix = prefix.strip_suffix(function.name).unwrap_or_default();
    let _ = write!(out, "```\n{prefix}{}\n```\n{}\n", function.signature(), function.summary);
    let _ = write!(out, "\nOffered in: {}.", function.profiles.names());
    if !function.errors.is_empty() {
        let codes: Vec<_> = function.errors.iter().map(|code| format!("`{code}`")).collect();
        let _ = write!(out, " Errors: {}.", codes.join(", "));
    }
    out.push('\n');
    if !function.example.script.is_empty() {
        let _ = write!(out, "\n```rhai\n{}\n", function.example.script);
        if !function.example.gives.is_empty() {
            let _ = writeln!(out, "// {}", function.example.gives);
        }
        out.push_str("```\n");
    }
    out
}

fn anchor(name: &str) -> String {
    name.to_lowercase().replace(' ', "-")
}
