//! Every example of the registry is run, and gives what it says.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;

use dpb::error::Result;
use dpb::script::api::{Host, REGISTRY, Session};
use dpb::script::compile::Program;
use dpb::script::engine::{Machine, compiler};
use dpb::script::library::{EVAL, Origin, Source};
use dpb::script::profile::Profile;
use dpb::script::value::literal;
use dpb::settings::Settings;
use rhai::Dynamic;

use crate::stage::{Stage, s3, world};

/// A server of `rig/servers`, ended with the test.
struct Started(Child, #[expect(dead_code, reason = "held open")] BufReader<ChildStdout>);

impl Started {
    fn start(script: &str, options: &[&str]) -> (Self, String) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rig/servers").join(script);
        let mut child =
            Command::new("python3").arg(path).arg("0").args(options).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        (Self(child, output), address)
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(host: &Host, profile: Profile, text: &str) -> Result<Dynamic> {
    let compiler = compiler(&REGISTRY);
    let source = Source { path: EVAL.into(), text: text.into(), origin: Origin::Repository };
    let program = Program::of(host.library(), source, &compiler)?;
    if let Some(error) = dpb::script::check::program(&program, &REGISTRY, &compiler, &[]).into_iter().next() {
        return Err(error);
    }
    let script = host.library().objective("1.2")?;
    let session = Arc::new(Session::new(host, profile, Some("1.2"), script));
    Machine::new(&REGISTRY, profile, &session, host.bridge().cancel(), program).eval()
}

#[test]
fn every_example_gives_what_it_says() {
    let files = [
        ("phases/1-foundation/1.2-example.rhai", "//! Example\nfn review(o) {}"),
        ("phases/1-foundation/1.2-example/greeting.j2", "hello {{ who }} of {{ o.namespace }}\n"),
    ];
    let stage = Stage::new(&files, world());
    let (_sql, sql) = Started::start("sql.py", &["--password", "secret"]);
    let (_thrift, thrift) = Started::start("thrift.py", &[]);
    let mut settings = Settings::default();
    settings.endpoints.s3 = s3(&stage);
    settings.endpoints.sql = sql;
    settings.endpoints.thrift = thrift;
    let host = stage.host.clone().with_settings(&settings);
    let mut wrong = Vec::new();
    for (section, function) in REGISTRY.functions() {
        let name = section.qualified(function);
        if name == "probe::exec" {
            continue; // no WebSocket here: tried on the rig
        }
        if function.example.script.is_empty() {
            wrong.push(format!("{name} has no example"));
            continue;
        }
        let Some(profile) = Profile::ALL.into_iter().find(|p| function.profiles.contain(*p)) else {
            wrong.push(format!("{name} is offered nowhere"));
            continue;
        };
        match run(&host, profile, function.example.script) {
            Err(error) => wrong.push(format!("{name}: {error} {:?}", error.hint_text())),
            Ok(value) if !function.example.gives.is_empty() => {
                let gives = run(&host, profile, function.example.gives).map_or_else(|e| e.to_string(), |v| literal(&v));
                if literal(&value) != gives {
                    wrong.push(format!("{name}: {} instead of {gives}", literal(&value)));
                }
            }
            Ok(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let left = stage.runtime.block_on(host.scratch().clean());
    assert!(left.is_empty(), "{left:?}");
    let keys = run(
        &host,
        Profile::Validate,
        "probe::s3(#{ bucket: \"tables\", access_key: \"AK\", secret_key: \"SK\" }).list(\"\").keys",
    );
    assert_eq!(literal(&keys.unwrap()), "[\"seed\"]", "the host removes what probes make");
}
