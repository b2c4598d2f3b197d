//! `dpb explain CODE`: what a code means, where it comes from, what to do.

use crate::error::{Code, Error, Result};
use crate::ui::{Ui, style};
use std::fmt::Write as _;

/// Explains one code, or lists all.
pub(super) fn run(ui: &Ui, code: Option<&str>) -> Result<u8> {
    let Some(word) = code else {
        let mut text = String::new();
        for code in Code::ALL {
            let _ = writeln!(
                text,
                "{}  {}",
                style::paint(style::BOLD, &format!("{:<13}", code.as_str())),
                first_sentence(explanation(code))
            );
        }
        ui.out(&text)?;
        return Ok(0);
    };
    let code = Code::ALL.into_iter().find(|c| c.as_str() == word).ok_or_else(|| unknown(word))?;
    ui.out(&format!(
        "{}\n\n{}\n\nExit code before any effect: {}\n",
        style::paint(style::BOLD, code.as_str()),
        explanation(code),
        code.exit()
    ))?;
    Ok(0)
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first)
}

fn unknown(word: &str) -> Error {
    let near = Code::ALL
        .into_iter()
        .map(Code::as_str)
        .max_by(|a, b| strsim::jaro_winkler(a, word).total_cmp(&strsim::jaro_winkler(b, word)));
    let error = Error::new(Code::Usage, format!("no error code `{word}`"));
    match near {
        Some(near) if strsim::jaro_winkler(near, word) > 0.8 => {
            error.hint(format!("Did you mean `{near}`? All of them: dpb explain"))
        }
        _ => error.hint("All of them: dpb explain"),
    }
}

fn explanation(code: Code) -> &'static str {
    match code {
        Code::NotFound => {
            "Something that was named does not exist: an object of the cluster, a file, an objective. \
             Check the name and, for an object, the namespace; a script that can do without it uses cluster::find, \
             which gives () in place of this error."
        }
        Code::UnknownKind => {
            "The API server serves no such kind. Either the name is mistyped (the error names the nearest), or the \
             CustomResourceDefinition is not installed: deploy the operator that brings it first."
        }
        Code::Conflict => {
            "Somebody else changed the same thing in the meantime, or owns it: a field of an object, the ledger, a \
             file of ours with changes that are not committed. Look at what they changed, then run it again."
        }
        Code::Forbidden => {
            "The API server knows you and does not allow this (HTTP 403). The error names verb, resource and \
             namespace; ask for that right, or use another context. A review reports it as unknown, never as absent."
        }
        Code::Timeout => {
            "It did not happen in the time given. Before any effect the exit code is 8; after one, what was done is \
             taken back and the exit code is 5. Give more time with --timeout, or --request-timeout for one request."
        }
        Code::Invalid => {
            "The input is wrong in itself: a manifest that the API server refuses (with its own words), an argument \
             of the wrong type, a quantity nobody can read."
        }
        Code::Denied => {
            "The API server does not know who you are (HTTP 401), mostly because credentials expired; log in again. \
             In a script: a path that leads out of the folders that scripts may read."
        }
        Code::Unavailable => {
            "Nobody answered, or the server answered that it cannot (HTTP 429 or 5xx). Reads were tried again for a \
             moment. Check the network, the VPN and the server's health, then run it again."
        }
        Code::Usage => "The command line is wrong, or a question could not be asked. See --help.",
        Code::Interrupted => {
            "Ctrl-C. Before any effect nothing was changed; after one, everything is taken back first. A second \
             Ctrl-C stops the taking back too, and the exit code is then 6."
        }
        Code::Locked => {
            "Another run works on this repository. The error names its process, its run and since when; wait for it. \
             The lock goes with its process, so a crash leaves none behind."
        }
        Code::NotReady => {
            "A gate is closed: a trigger, a predecessor, the platform, the room on the nodes, the phase's budget, or \
             a run that was cut off. dpb run review tells what to do about each; --override REASON starts all the same."
        }
        Code::Git => {
            "Git refused: no repository, no remote, a refused push, a hook. Its own words follow. A push that was \
             refused because the remote has moved wants a git pull --rebase first; dpb never forces."
        }
        Code::Io => {
            "A file could not be read or written; the error names it and the system's reason. Nothing is left half written."
        }
        Code::Ledger => {
            "goals.json cannot be read as a ledger. The error shows the place; the backups lie in .git/dpb/backups."
        }
        Code::Settings => {
            "dpb.yaml cannot be read: a key nobody knows, or a value of the wrong type. The error shows the place."
        }
        Code::Script => {
            "A script is wrong: its syntax, a name, an argument, or what it threw itself. The error shows the place and its callers."
        }
        Code::Template => {
            "A template is wrong: its syntax, or a name that is not defined. Undefined names are always errors."
        }
        Code::Kustomize => {
            "A kustomization cannot be built, or uses something that dpb does not build as Flux would. It is refused \
             rather than guessed."
        }
        Code::Failed => {
            "What was delivered can no longer become ready, or its proof failed. The error carries the object, its \
             events and the last log lines of the pod at fault; the run was taken back unless --no-rollback was given."
        }
        Code::Internal => "A fault of dpb itself. Nothing was lost; please report it with the message.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_by_more_than_its_name() {
        for code in Code::ALL {
            assert!(explanation(code).len() > 40, "{code}");
        }
    }

    #[test]
    fn a_mistyped_code_gets_the_nearest() {
        assert!(unknown("not_fuond").hint_text().unwrap().contains("not_found"));
    }
}
