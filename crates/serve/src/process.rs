//! Memory, processor time and descriptors of this process, in the names that every Prometheus client uses.

use std::fmt::Write as _;

/// The page size and clock ticks of Linux on every platform that the operator is built for.
const PAGE_BYTES: u64 = 4096;
const TICKS_PER_SECOND: f64 = 100.0;

/// The metrics as OpenMetrics text; empty where the system has no `/proc`.
pub(crate) fn metrics() -> String {
    let mut text = String::new();
    if let Some(pages) = number("/proc/self/statm", 1) {
        let _ = write!(
            text,
            "# HELP process_resident_memory_bytes Resident memory size in bytes.\n\
             # TYPE process_resident_memory_bytes gauge\n\
             process_resident_memory_bytes {}\n",
            pages * PAGE_BYTES
        );
    }
    if let Some(ticks) = processor_ticks() {
        let _ = write!(
            text,
            "# HELP process_cpu_seconds Total user and system CPU time spent in seconds.\n\
             # TYPE process_cpu_seconds counter\n\
             process_cpu_seconds_total {}\n",
            ticks as f64 / TICKS_PER_SECOND
        );
    }
    if let Some(descriptors) = descriptors() {
        let _ = write!(
            text,
            "# HELP process_open_fds Number of open file descriptors.\n\
             # TYPE process_open_fds gauge\n\
             process_open_fds {descriptors}\n"
        );
    }
    text
}

/// Without the one by which they are counted.
fn descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count().saturating_sub(1))
}

fn number(path: &str, index: usize) -> Option<u64> {
    std::fs::read_to_string(path).ok()?.split_whitespace().nth(index)?.parse().ok()
}

/// User and system time. The fields are counted after the command's name, which may hold blanks.
fn processor_ticks() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}
