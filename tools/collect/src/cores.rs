//! Small cores of containerd and of shims whose containers hang.

use std::time::{SystemTime, UNIX_EPOCH};

use cli::{EvidenceArgs, Failure};
use coroner_runtime::{Judged, blamed};
use evidence::LiveProc;
use evidence::bundle::write::Taken;
use finding::{Text, Time};
use goruntime::{Apart, Attached};

/// Where they are in a bundle.
const FOLDER: &str = "/coroner-cores";
/// Cores of one bundle.
const CORES: usize = 32;
/// Level of zstd.
const LEVEL: i32 = 3;

/// A core, packed; or why there is none.
type Packed = Result<Vec<u8>, String>;

/// Starts what takes them, before rights are given up.
pub(crate) fn taker(evidence: &EvidenceArgs) -> Result<Apart<Packed>, Failure> {
    let door = LiveProc::open(&evidence.evidence);
    door.and_then(|door| Apart::start(door, cli::monotonic, packed))
        .ok_or_else(|| {
            Failure::usage("cores are of processes that run, and none run in this evidence")
                .hint("leave --cores out")
        })
}

fn packed(attached: &Attached<'_>) -> Packed {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    let time = time.map_or(0, |time| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    let small = attached.small(time).map_err(|why| why.to_string())?;
    let pack = || {
        let mut packer = zstd::Encoder::new(Vec::new(), LEVEL)?;
        small.core.write(&mut packer)?;
        packer.finish()
    };
    pack().map_err(|error: std::io::Error| error.to_string())
}

/// The cores, as entries of a bundle.
pub(crate) fn taken(
    taker: &Apart<Packed>,
    judged: &Judged,
    at: Time,
    warnings: &mut Vec<String>,
) -> Vec<Taken> {
    let mut entries = Vec::new();
    for (pid, who) in blamed(judged).into_iter().take(CORES) {
        let core = taker.wait_for_process(pid).map_err(|why| why.to_string());
        match core.and_then(|core| core) {
            Ok(bytes) => {
                let name = if who == "containerd" {
                    "containerd"
                } else {
                    "shim"
                };
                let path = Text::from(format!("{FOLDER}/{name}-{pid}.core.zst"));
                warnings.push(format!(
                    "the core of {who} (pid {pid}) holds what lay on its stacks"
                ));
                entries.push(Taken::file(path, bytes, at));
            }
            Err(why) => warnings.push(format!("no core of {who} (pid {pid}): {why}")),
        }
    }
    entries
}
