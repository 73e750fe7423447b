//! How the service is told to stop.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::Exit;
use crate::error::{Error, ErrorKind, Result};

/// Ctrl-C, and what a system sends to what it wants to end.
#[cfg(unix)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen for them: from now on, they do not end the program by themselves.
    pub(super) fn new() -> Result<Signals> {
        let interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
        Ok(Signals { interrupt, terminate: signal(SignalKind::terminate()).map_err(unheard)? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C.
#[cfg(windows)]
pub(super) struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    /// Begins to listen for it: from now on, it does not end the program by itself.
    pub(super) fn new() -> Result<Signals> {
        tokio::signal::windows::ctrl_c().map(Signals).map_err(unheard)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

impl Signals {
    /// Ready at the first signal. The next ends the program at once: codes that are only reserved go back by themselves.
    pub(super) async fn first(mut self) {
        self.next().await;
        tokio::spawn(async move {
            self.next().await;
            std::process::exit(Exit::Interrupted as i32);
        });
    }
}

fn unheard(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, "the system's signals cannot be heard").with_source(error)
}
