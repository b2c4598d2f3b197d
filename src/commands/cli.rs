//! The command line: subcommands, flags, exit codes.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or ready
  1    error
  2    wrong usage
  3    not ready, blocked, or not proved
  4    ready, with warnings (run review --fail-on warn)
  5    failed, and taken back
  6    failed, and not all of it could be taken back
  7    another run holds the lock
  8    timed out before any effect
  130  interrupted (Ctrl-C)
With run execute --dry-run --exit-code: 0 no changes, 1 changes, 2 or more an error.";

const RUN_EXAMPLES: &str = "\
Examples:
  dpb run review                       what stands in the way of the next objective
  dpb run execute --dry-run --diff     what would change; nothing is written
  dpb run execute                      deliver, wait, prove, record
  dpb run validate --completed         does everything that was delivered still work?
  dpb run log                          the story of the latest run";

const EXECUTE_EXAMPLES: &str = "\
Examples:
  dpb run execute                                   the next objective, after a question
  dpb run execute 1.2 --yes --timeout 20m           this one, without a question
  dpb run execute 1.2 --dry-run --exit-code         for CI: 1 when there are changes
  dpb run execute 1.1 --override 'asked for by BI'  although something stands in the way
  dpb run execute 1.1 --delivery files              write the files; commit them yourself";

const EVAL_EXAMPLES: &str = "\
Examples:
  dpb eval 'cluster::list(\"deploy\", #{ namespace: \"storage\" }).len()'
  dpb eval 'why(\"deploy/data-platform/hive-metastore\")'
  dpb eval --output json 'capacity::room()'";

/// Grows a lakehouse on a Flux-managed Kubernetes cluster, one verified objective at a time.
#[derive(Debug, Parser)]
#[command(name = "dpb", version, after_help = EXIT_CODES, after_long_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The repository that Flux reads, or a folder in it
    #[arg(long, global = true, value_name = "DIR", default_value = ".")]
    pub repo: PathBuf,
    /// Which initiative, where the repository holds several: the folder of its goals.json
    #[arg(long, global = true, value_name = "NAME")]
    pub initiative: Option<String>,
    /// Say more: -v what is done, -vv every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say less: results and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to colour; `NO_COLOR` is honoured
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
    /// Never ask: a question becomes an error
    #[arg(long, global = true)]
    pub no_input: bool,
    /// kubectl's connection flags.
    #[command(flatten)]
    pub connection: Connection,
}

/// kubectl's connection flags.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connection options (as kubectl's)")]
pub struct Connection {
    /// Path of the kubeconfig file
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Cluster of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// User of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// Namespace for names given without one
    #[arg(short, long, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Group to impersonate; may be given several times
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub impersonate_group: Vec<String>,
    /// How long one request may take (`10s`, `1m`)
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub request_timeout: Option<Duration>,
}

/// When to colour.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Review, execute, validate: the life of an objective
    #[command(subcommand, after_help = RUN_EXAMPLES)]
    Run(Run),
    /// Read and change the ledger, goals.json
    #[command(subcommand)]
    Goals(Goals),
    /// Prepare a repository: dpb.yaml, the ledger, and the folders where there are none
    Init(Init),
    /// Evaluate a Rhai expression against repository and cluster, read-only
    #[command(after_help = EVAL_EXAMPLES)]
    Eval(Eval),
    /// Tell more about an error code
    Explain {
        /// The code (`not_found`); without one, all are listed
        code: Option<String>,
    },
    /// Simulated parts of a cluster
    #[command(subcommand)]
    Sim(Sim),
}

/// `dpb run`.
#[derive(Debug, Subcommand)]
pub enum Run {
    /// Say whether the next objective can start, what is missing, and what to do about it
    Review {
        /// Objective (`1.2`); the next one without it
        id: Option<String>,
        /// Review the first objective of this phase that is not completed
        #[arg(long, value_name = "N", conflicts_with = "id")]
        phase: Option<String>,
        /// Exit with 4 when ready with warnings
        #[arg(long, value_name = "VERDICT")]
        fail_on: Option<FailOn>,
        /// Format of the report
        #[arg(short, long, default_value = "text")]
        output: Output,
    },
    /// Deliver an objective, wait for Flux, prove it, record it; take it back when it fails
    #[command(after_help = EXECUTE_EXAMPLES)]
    Execute(Execute),
    /// Prove again that what was delivered still works; changes no state
    Validate {
        /// Objective; the last completed one without it
        id: Option<String>,
        /// Every completed objective of a phase
        #[arg(long, value_name = "N", conflicts_with = "id")]
        phase: Option<String>,
        /// Every completed objective
        #[arg(long, conflicts_with_all = ["id", "phase"])]
        completed: bool,
        /// Format of the report
        #[arg(short, long, default_value = "text")]
        output: Output,
    },
    /// Take over what exists already: prove it and record it as completed, deliver nothing
    Adopt {
        /// Objective
        id: String,
        /// Why it may be adopted although a predecessor is not completed
        #[arg(long = "override", value_name = "REASON")]
        override_reason: Option<String>,
        /// Format of the report
        #[arg(short, long, default_value = "text")]
        output: Output,
    },
    /// List the runs whose journals are kept
    List {
        /// Format
        #[arg(short, long, default_value = "text")]
        output: Output,
    },
    /// Tell the story of a run from its journal
    Log {
        /// The run's id; the latest without it
        run: Option<String>,
        /// Format
        #[arg(short, long, default_value = "text")]
        output: Output,
    },
}

/// `dpb run execute`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "one for each flag")]
pub struct Execute {
    /// Objective (`1.2`); the next one without it
    pub id: Option<String>,
    /// Plan and check only; nothing is written
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: exit with 1 when there are changes
    #[arg(long, requires = "dry_run")]
    pub exit_code: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
    /// Start although something stands in the way; the reason is recorded
    #[arg(long = "override", value_name = "REASON")]
    pub override_reason: Option<String>,
    /// How to deliver; the settings' `delivery` without it
    #[arg(long, value_name = "HOW")]
    pub delivery: Option<Delivery>,
    /// How long Flux and the workloads may take (`10m`)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Leave a failure as it is, to look at it
    #[arg(long)]
    pub no_rollback: bool,
    /// Show the plan's diff
    #[arg(long)]
    pub diff: bool,
    /// Format of the report
    #[arg(short, long, default_value = "text")]
    pub output: Output,
}

/// How to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Delivery {
    /// Commit, push, wait for Flux
    Flux,
    /// Write the files only
    Files,
}

/// `dpb goals`.
#[derive(Debug, Subcommand)]
pub enum Goals {
    /// List the objectives with their status
    List {
        /// Format
        #[arg(short, long, default_value = "text")]
        output: Output,
    },
    /// Show one objective
    Show {
        /// Objective
        id: String,
        /// Format
        #[arg(short, long, default_value = "text")]
        output: Output,
    },
    /// Name the next objective
    Next {
        /// Format
        #[arg(short, long, default_value = "text")]
        output: Output,
    },
    /// Set an objective's status by hand
    Set {
        /// Objective
        id: String,
        /// `pending`, `in_progress`, `blocked` or `completed`
        status: String,
    },
    /// Check the ledger: unknown words, derived values, duplicate ids
    Check,
    /// Write the shipped initiative's ledger where there is none
    Init,
}

/// `dpb init`.
#[derive(Debug, Args)]
pub struct Init {
    /// The repository
    pub dir: Option<PathBuf>,
}

/// `dpb eval`.
#[derive(Debug, Args)]
pub struct Eval {
    /// The expression; `-` reads it from standard input
    pub expression: String,
    /// Format of the value
    #[arg(short, long, default_value = "yaml")]
    pub output: ValueOutput,
}

/// `dpb sim`.
#[derive(Debug, Subcommand)]
pub enum Sim {
    /// Play the operators that a cluster lacks, from scripts/sim, until Ctrl-C
    Operators {
        /// Serve S3 at this address, with the users and buckets of the simulated object store
        #[arg(long, value_name = "ADDR:PORT")]
        s3: Option<std::net::SocketAddr>,
    },
}

/// What makes a review fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Warnings too
    Warn,
}

/// Format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
    /// Markdown
    Markdown,
}

impl From<Output> for crate::report::Format {
    fn from(output: Output) -> Self {
        match output {
            Output::Text => Self::Text,
            Output::Json => Self::Json,
            Output::Yaml => Self::Yaml,
            Output::Markdown => Self::Markdown,
        }
    }
}

/// Format of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ValueOutput {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// `90`, `90s`, `10m`, `1h30m`: seconds where no unit is given, as kubectl takes it.
fn duration(text: &str) -> Result<Duration, String> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let signed: jiff::SignedDuration =
        text.parse().map_err(|_| format!("`{text}` is no duration: write 90s, 10m or 1h30m"))?;
    signed.try_into().map_err(|_| format!("`{text}` is negative"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_example_of_the_help_is_a_command_line() {
        let count = examples(&Cli::command()).into_iter().map(|line| parses(&line)).count();
        assert!(count > 10, "{count}");
    }

    /// Lines `  dpb …` of the help of a command and those below it, without the remark behind two blanks.
    fn examples(command: &clap::Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().map(str::trim).filter(|line| line.starts_with("dpb "));
        let own = lines.map(|line| line.split("  ").next().unwrap_or_default().to_owned());
        own.chain(command.get_subcommands().flat_map(examples)).collect()
    }

    fn parses(line: &str) {
        // Words in single quotes hold no further quote: see the examples.
        let words = line
            .split('\'')
            .enumerate()
            .flat_map(|(n, part)| if n % 2 == 1 { vec![part] } else { part.split_whitespace().collect() });
        if let Err(error) = Cli::try_parse_from(words) {
            panic!("{line}: {error}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("10m"), Ok(Duration::from_mins(10)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_mins(90)));
        assert!(duration("soon").is_err());
        assert!(duration("-5s").is_err());
    }
}
