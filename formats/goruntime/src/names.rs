//! What Go's own dumps leave out (`showfuncinfo`, `isSystemGoroutine` of `runtime/traceback.go`).

/// Whether a function is left out, by its name alone: the runtime's inner ones.
pub(crate) fn is_inner(name: &[u8], is_innermost: bool) -> bool {
    if name == b"runtime.gopanic" && !is_innermost {
        return false;
    }
    let Some(rest) = name.strip_prefix(b"runtime.") else {
        return !name.contains(&b'.');
    };
    // A method is shown if its type and itself are exported.
    let last = rest.iter().rposition(|byte| *byte == b'.');
    let (receiver, method) = match last {
        Some(at) => (
            rest.get(..at).unwrap_or_default(),
            rest.get(at.saturating_add(1)..).unwrap_or_default(),
        ),
        None => (&[][..], rest),
    };
    let receiver = receiver
        .strip_prefix(b"(*")
        .and_then(|inner| inner.strip_suffix(b")"))
        .unwrap_or(receiver);
    let exported = |word: &[u8]| word.first().is_some_and(u8::is_ascii_uppercase);
    !(exported(method) && (receiver.is_empty() || exported(receiver)))
}

/// Whether a goroutine that began in this function is one of the runtime's own.
pub(crate) fn is_system(start: &[u8]) -> bool {
    start.starts_with(b"runtime.")
        && !matches!(
            start,
            b"runtime.main" | b"runtime.corostart" | b"runtime.handleAsyncEvent"
        )
}

/// Whether a wrapper is shown because it was called by, or calls, one of these.
pub(crate) fn shows_wrapper(callee: &[u8]) -> bool {
    matches!(
        callee,
        b"runtime.gopanic" | b"runtime.sigpanic" | b"runtime.panicwrap"
    )
}

/// Where stacks end, in programs whose line table does not mark it (Go 1.16).
pub(crate) fn is_top(name: &[u8]) -> bool {
    matches!(
        name,
        b"runtime.goexit" | b"runtime.mstart" | b"runtime.rt0_go" | b"runtime.mcall"
    )
}

/// Functions that a signal put on the stack, under which there is no call: the program counter is
/// that of the instruction itself.
pub(crate) fn is_injected(name: &[u8]) -> bool {
    matches!(name, b"runtime.sigpanic" | b"runtime.asyncPreempt")
        || name.starts_with(b"runtime.debugCallV")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_go_shows() {
        assert!(is_inner(b"runtime.gopark", true));
        assert!(is_inner(b"runtime.(*mcentral).grow", false));
        assert!(!is_inner(b"runtime.GC", false));
        assert!(!is_inner(b"runtime.(*Func).Entry", false));
        assert!(is_inner(b"runtime.gopanic", true));
        assert!(!is_inner(b"runtime.gopanic", false));
        assert!(!is_inner(b"main.main", true));
        assert!(!is_inner(b"runtime/debug.Stack", true));
    }
}
