//! What the system lets a child have, whatever a template makes of it.

use std::io;

#[cfg(target_os = "linux")]
use rustix::process::{Resource, Rlimit, setrlimit};
#[cfg(target_os = "linux")]
use rustix::time::{ClockId, clock_gettime};

/// How much more memory than at its start a child may have, without the stack that it renders on.
#[cfg(target_os = "linux")]
const MEMORY: u64 = 64 << 20;
/// How many seconds of the processor one ask may take; the system counts whole ones.
#[cfg(target_os = "linux")]
const PROCESSOR_SECONDS: u64 = 2;
/// Its pipes, and the partials that it reads.
#[cfg(target_os = "linux")]
const FILES: u64 = 16;

/// The limits of this process.
pub(super) struct Confinement {
    /// Up to which second of the processor's time it may go on.
    #[cfg(target_os = "linux")]
    until: u64,
}

#[cfg(target_os = "linux")]
impl Confinement {
    /// Limits this process for good.
    pub(super) fn begin() -> io::Result<Confinement> {
        let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(Resource::As, limit(address_space()? + MEMORY + super::worker::STACK as u64))?;
        setrlimit(Resource::Nofile, limit(FILES))?;
        setrlimit(Resource::Fsize, limit(0))?;
        setrlimit(Resource::Core, limit(0))?;
        Ok(Confinement { until: 0 })
    }

    /// Gives an ask its share of the processor.
    pub(super) fn grant(&mut self) -> io::Result<()> {
        let used = clock_gettime(ClockId::ProcessCPUTime).tv_sec.unsigned_abs();
        let until = used + PROCESSOR_SECONDS;
        if until != self.until {
            setrlimit(Resource::Cpu, Rlimit { current: Some(until), maximum: None })?;
            self.until = until;
        }
        Ok(())
    }
}

/// How many bytes of addresses the process has by now: the first number of `statm` counts pages, see proc(5).
#[cfg(target_os = "linux")]
fn address_space() -> io::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or_default();
    Ok(pages * rustix::param::page_size() as u64)
}

#[cfg(not(target_os = "linux"))]
impl Confinement {
    /// Where the system cannot hold a process within limits, nothing is rendered isolated.
    pub(super) fn begin() -> io::Result<Confinement> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn grant(&mut self) -> io::Result<()> {
        Ok(())
    }
}
