//! Any bytes as an OCI document.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;


bounded_target!(|data: &[u8]| {
    for claimed in [
        None,
        Some("application/vnd.oci.image.manifest.v1+json"),
        Some("application/vnd.oci.image.index.v1+json"),
        Some("application/vnd.oci.image.config.v1+json"),
    ] {
        match content::Document::parse(data, claimed) {
            Ok(document) => {
                for fault in &document.faults {
                    let _ = fault.to_string();
                }
                assert!(document.links().len() <= data.len());
            }
            Err(fault) => drop(fault.to_string()),
        }
    }
});
