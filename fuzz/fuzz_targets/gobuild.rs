//! Any bytes as a program, and as what Go's linker wrote into one.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use goruntime::BuildInfo;

bounded_target!(|data: &[u8]| {
    let read = BuildInfo::read_build_info(|at, into| {
        assert!(into.len() <= 4 << 20, "{} bytes at once", into.len());
        let from = data.get(usize::try_from(at).ok()?..).unwrap_or_default();
        let count = from.len().min(into.len());
        into[..count].copy_from_slice(&from[..count]);
        Some(count)
    });
    for info in read.into_iter().chain(BuildInfo::parse(data)) {
        let again = BuildInfo::of_text(info.go(), info.build_text());
        assert_eq!(again.as_ref(), Some(&info));
        let _ = info.package();
        if let Some(module) = info.module() {
            assert!(info.uses(module.path).is_some());
        }
        let _ = info.linked("github.com/containerd/containerd/v2/version.Version");
        let _ = info.uses("github.com/containerd/containerd");
        let _ = info.setting("-ldflags");
    }
});
