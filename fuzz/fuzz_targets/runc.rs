//! Any bytes as one of the runtime's small files: state.json, crun's status, config.json, address,
//! bootstrap.json, options.json, init.pid, log.json, the CRI's status.
#![no_main]

#[macro_use]
#[path = "../shared/costs.rs"]
mod costs;

use view::View;

bounded_target!(|data: &[u8]| {
    let view = View::new(data);
    let faults = [
        runc::State::parse(view).1,
        runc::CrunStatus::parse(view).1,
        runc::Spec::parse(view).1,
        runc::Status::parse(view).1,
        runc::Address::parse(view).1,
        runc::Address::parse_bootstrap(view).1,
        runc::Options::parse(view).1,
        runc::init_pid(view).1,
        runc::log(view).1,
    ];
    for fault in faults.iter().flatten() {
        let text = fault.to_string();
        assert!(
            !text.contains(|letter: char| letter.is_control()),
            "{text:?}"
        );
        let span = finding::Fault::span(fault);
        assert!(span.is_none_or(|span| span.start <= view.len()), "{text}");
        let _ = finding::Fault::finding(fault, finding::Location::default());
    }
});
