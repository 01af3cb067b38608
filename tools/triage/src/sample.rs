//! The broken node that comes with coroner.

use cli::{Case, Failure, PlaceArgs};
use evidence::{Evidence, Options};

/// A real node that was broken in ways that testdata/sample/edits.toml lists.
const SAMPLE: &[u8] = include_bytes!("../../../testdata/sample/broken.tar.zst");

/// Opens it.
pub(crate) fn open(places: &PlaceArgs) -> Result<Case, Failure> {
    let evidence = Evidence::open_stream(SAMPLE, &Options::default());
    let evidence =
        evidence.map_err(|error| Failure::unread(format!("the sample: {}", error.why)))?;
    Ok(Case::open_case(evidence, places, false)?.named("the sample"))
}
