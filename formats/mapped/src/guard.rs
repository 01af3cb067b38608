//! The handler for `SIGBUS`, and the table that it looks into.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Maps at once.
const SLOTS: usize = 64;

/// One map, as the handler sees it.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Somebody has it.
    taken: AtomicBool,
    /// Address of the first byte; 0 if there is no map.
    start: AtomicUsize,
    /// Address after the last page.
    end: AtomicUsize,
    /// A page of it was gone.
    pub(crate) hit: AtomicBool,
}

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        taken: AtomicBool::new(false),
        start: AtomicUsize::new(0),
        end: AtomicUsize::new(0),
        hit: AtomicBool::new(false),
    }
}; SLOTS];

/// Bytes of a page; read by the handler, so it is known before the handler is installed.
static PAGE: AtomicUsize = AtomicUsize::new(4096);

/// What was installed before us.
static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

/// Takes a free slot for a map of `len` bytes at `start`.
pub(crate) fn take(start: usize, len: usize) -> Option<&'static Slot> {
    let slot = TABLE.iter().find(|slot| {
        slot.taken
            .compare_exchange(false, true, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    })?;
    let page = PAGE.load(Ordering::SeqCst).max(1);
    slot.hit.store(false, Ordering::SeqCst);
    let whole = len.checked_next_multiple_of(page).unwrap_or(len);
    slot.end
        .store(start.saturating_add(whole), Ordering::SeqCst);
    slot.start.store(start, Ordering::SeqCst);
    Some(slot)
}

/// Gives a slot back.
pub(crate) fn release(slot: &Slot) {
    slot.start.store(0, Ordering::SeqCst);
    slot.end.store(0, Ordering::SeqCst);
    slot.taken.store(false, Ordering::SeqCst);
}

/// Installs the handler, once.
pub(crate) fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<i32> = OnceLock::new();
    let failed = *INSTALLED.get_or_init(|| {
        // SAFETY: sysconf has no preconditions.
        #[expect(unsafe_code, reason = "asks for the size of a page")]
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        if let Ok(page) = usize::try_from(page) {
            PAGE.store(page, Ordering::SeqCst);
        }
        // SAFETY: all zeros is a valid `sigaction`: no handler, an empty mask, no flags.
        #[expect(unsafe_code, reason = "as C initialises it")]
        let mut ours: libc::sigaction = unsafe { core::mem::zeroed() };
        let mut before = ours;
        let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void) = on_bus;
        #[expect(
            clippy::as_conversions,
            clippy::fn_to_numeric_cast_any,
            reason = "sa_sigaction is an address"
        )]
        {
            ours.sa_sigaction = handler as usize;
        }
        // On the alternate stack where there is one (Rust's threads have it); other signals as
        // they come.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
        // SAFETY: both point to live values of the right type; the handler keeps to what is
        // allowed in one.
        #[expect(unsafe_code, reason = "installs the handler")]
        let result = unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, &raw mut before) };
        if result == 0 {
            let _first = BEFORE.set(before);
            0
        } else {
            io::Error::last_os_error().raw_os_error().unwrap_or(-1)
        }
    });
    if failed == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(failed))
    }
}

/// Puts zeros where a file ended too early. Only atomics and system calls: it may run anywhere.
extern "C" fn on_bus(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    if info.is_null() {
        return give_up(signal);
    }
    // SAFETY: not null, and with SA_SIGINFO the kernel passes a valid siginfo.
    #[expect(unsafe_code, reason = "what the kernel says of the signal")]
    let info = unsafe { &*info };
    // SAFETY: SIGBUS fills in the address.
    #[expect(unsafe_code, reason = "the address is in a union")]
    let address = unsafe { info.si_addr() }.addr();
    // Only faults of memory, not somebody's kill(2), which has no address.
    if info.si_code <= 0 {
        return give_up(signal);
    }
    let held = TABLE.iter().find(|slot| {
        let start = slot.start.load(Ordering::SeqCst);
        start != 0 && start <= address && address < slot.end.load(Ordering::SeqCst)
    });
    let Some(slot) = held else {
        return give_up(signal);
    };
    let page = PAGE.load(Ordering::SeqCst);
    let start = address & !page.wrapping_sub(1);
    // SAFETY: the page lies inside one of our maps, which nobody holds references into: to replace
    // it by zeros takes nothing from anybody. mmap is a plain system call.
    #[expect(unsafe_code, reason = "replaces the page that is gone")]
    let mapped = unsafe {
        libc::mmap(
            core::ptr::without_provenance_mut(start),
            page,
            libc::PROT_READ,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
            -1,
            0,
        )
    };
    if mapped == libc::MAP_FAILED {
        return give_up(signal);
    }
    slot.hit.store(true, Ordering::SeqCst);
}

/// Not ours: what was there before gets the signal, which comes again as soon as we return.
fn give_up(signal: i32) {
    let Some(before) = BEFORE.get() else {
        return default(signal);
    };
    // SAFETY: `before` is what sigaction itself gave; sigaction may be called in a handler.
    #[expect(unsafe_code, reason = "puts back what was there")]
    let result =
        unsafe { libc::sigaction(signal, core::ptr::from_ref(before), core::ptr::null_mut()) };
    if result != 0 {
        default(signal);
    }
}

/// As if there had never been a handler.
fn default(signal: i32) {
    // SAFETY: signal(2) may be called in a handler, and SIG_DFL is always valid.
    #[expect(unsafe_code, reason = "the default ends the process")]
    let _before = unsafe { libc::signal(signal, libc::SIG_DFL) };
}
