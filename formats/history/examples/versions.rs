//! Every version of an object of meta.db, without a command line's frame.
//!
//! ```text
//! cargo run -p history --example versions -- NODE /var/lib/containerd/…/meta.db container NAME
//! ```

#![expect(clippy::print_stdout, reason = "an example of a program")]

use std::path::Path;

use evidence::{Evidence, Options};
use finding::{Refused, Text};
use history::Histories;
use metadb::ObjectKind;

fn versions(place: &str, file: &str, kind: &str, name: &str) -> Result<Histories, Refused> {
    let kind = match kind {
        "image" => ObjectKind::Image,
        "container" => ObjectKind::Container,
        "snapshot" => ObjectKind::Snapshot,
        "lease" => ObjectKind::Lease,
        _ => return Err(Refused::question("image, container, snapshot or lease")),
    };
    let evidence = Evidence::open(Path::new(place), &Options::default())
        .map_err(|error| Refused::unread(format!("{} {}", error.path, error.why)))?;
    Histories::read_histories(&evidence, &Text::from(file), (kind, name), None)
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [place, file, kind, name] = words.as_slice() else {
        return println!("versions NODE META.DB KIND NAME");
    };
    match versions(place, file, kind, name) {
        Err(refused) => println!("{refused}"),
        Ok(histories) => {
            for version in histories.objects.iter().flat_map(|object| &object.versions) {
                println!(
                    "{:?} {:?}",
                    version.updated.or(version.created),
                    version.trees
                );
                for change in &version.changes {
                    println!(
                        "  {}: {} -> {}",
                        change.path.join(" > "),
                        change.old,
                        change.new
                    );
                }
            }
        }
    }
}
