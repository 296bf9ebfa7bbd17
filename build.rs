//! Embeds the page anew when it was built anew. In debug builds it is read from disk, so nothing depends on it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        // It has to be there to be watched; empty is as good as absent for the server.
        if let Err(error) = std::fs::create_dir_all("static/out") {
            println!("cargo::warning=static/out cannot be made: {error}");
        }
        println!("cargo::rerun-if-changed=static/out");
    }
}
