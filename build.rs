//! Rebuilds when a file comes or goes under `scripts/`: the embedding macro sees changes of known files only.

fn main() {
    println!("cargo:rerun-if-changed=scripts");
    println!("cargo:rerun-if-changed=build.rs");
}
