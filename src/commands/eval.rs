//! `dpb eval`: an expression against repository and cluster, read-only.

use std::io::Read;

use crate::error::{Code, Error, Result};

use super::cli::{Eval, ValueOutput};
use super::open::Opener;

/// Evaluates an expression and prints its value.
pub(super) fn run(opener: &Opener<'_>, args: &Eval) -> Result<u8> {
    let text = if args.expression == "-" {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|e| Error::new(Code::Io, format!("reading standard input: {e}")))?;
        text
    } else {
        args.expression.clone()
    };
    let value = opener.session()?.eval(&text)?;
    let text = match args.output {
        ValueOutput::Json => serde_json::to_string_pretty(&value)
            .map_err(|e| Error::new(Code::Internal, format!("writing the value: {e}")))?,
        ValueOutput::Yaml => crate::manifest::emit(&value),
    };
    opener.ui.out(&(text.trim_end().to_owned() + "\n"))?;
    Ok(0)
}
