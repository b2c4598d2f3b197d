//! The shipped scripts compile; the loop on a small API server.

use super::player::load;
use crate::script::library::Library;

#[test]
fn every_shipped_script_compiles_and_calls_only_what_exists() {
    let library = Library::shipped();
    let scripts: Vec<String> = library.files("sim").unwrap().into_keys().collect();
    assert!(scripts.len() >= 4, "{scripts:?}");
    for path in scripts {
        if let Err(error) = load(&library, &path) {
            panic!("{error}\n{:?}", error.places().iter().map(|p| (&p.file, p.line, p.column)).collect::<Vec<_>>());
        }
    }
}
