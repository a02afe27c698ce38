//! Records as a file of JSON lines: the audit trail, episodes.
//!
//! A thread of its own writes, so that a slow disk holds up no poll. What it cannot take is
//! counted and reported in the log, never lost in silence.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context as _;
use runner::{Audit, AuditEntry, Episode, EpisodeLog};

/// Lines that may wait for the disk.
const WAITING: usize = 4096;

/// The file, and the thread that writes it. Dropping it ends the thread once all is written.
pub(super) struct JsonLines {
    lines: Option<SyncSender<Vec<u8>>>,
    lost: Arc<AtomicU64>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl JsonLines {
    /// Appends to the file at `path`, which is made where it is missing; `flag` is what named it.
    ///
    /// # Errors
    /// Where it cannot be opened or the thread cannot be started.
    pub(super) fn open(flag: &'static str, path: &Path) -> anyhow::Result<Self> {
        let advice = format!("name a writable file, or omit {flag}");
        let file =
            append(path).with_context(|| format!("{flag} {} cannot be opened: {advice}", path.display()))?;
        let (lines, waiting) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer =
            Writer { flag, path: path.to_owned(), file, lost: Arc::clone(&lost), failing: false };
        let thread = std::thread::Builder::new().name("lines".to_owned());
        let thread = thread
            .spawn(move || writer.run(&waiting))
            .with_context(|| format!("the thread for {flag} cannot be started"))?;
        Ok(Self { lines: Some(lines), lost, writer: Mutex::new(Some(thread)) })
    }

    fn append(&self, record: &impl serde::Serialize) {
        let Ok(mut line) = serde_json::to_vec(record) else { return };
        line.push(b'\n');
        let taken = self.lines.as_ref().is_some_and(|lines| lines.try_send(line).is_ok());
        if !taken {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Audit for JsonLines {
    fn note(&self, entry: &AuditEntry) {
        self.append(entry);
    }
}

impl EpisodeLog for JsonLines {
    fn note(&self, episode: &Episode) {
        self.append(episode);
    }
}

impl Drop for JsonLines {
    fn drop(&mut self) {
        self.lines = None;
        let thread = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

struct Writer {
    flag: &'static str,
    path: PathBuf,
    file: File,
    lost: Arc<AtomicU64>,
    failing: bool,
}

impl Writer {
    fn run(&mut self, waiting: &Receiver<Vec<u8>>) {
        while let Ok(mut lines) = waiting.recv() {
            let mut count = 1;
            for more in waiting.try_iter().take(WAITING) {
                lines.extend(more);
                count += 1;
            }
            self.write(&lines, count);
        }
        self.report_lost();
    }

    /// Writes whole lines at once: whoever follows the file sees no half of one.
    fn write(&mut self, lines: &[u8], count: u64) {
        let (kept, result) = match self.follow_path() {
            Ok(()) => write_lines(&mut self.file, lines),
            Err(error) => (0, Err(error)),
        };
        match result {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    tracing::info!(flag = self.flag, file = %self.path.display(), "the file can be written \
                         again");
                }
                self.report_lost();
            }
            Err(error) => {
                self.lost.fetch_add(count.saturating_sub(kept), Ordering::Relaxed);
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::error!(flag = self.flag, file = %self.path.display(), %error, "the file cannot \
                         be written");
                }
            }
        }
    }

    /// Whoever rotates logs moves the file away, and may have put a new one in its place.
    fn follow_path(&mut self) -> io::Result<()> {
        let open = self.file.metadata()?;
        let is_open = |found: &Metadata| (found.dev(), found.ino()) == (open.dev(), open.ino());
        if !self.path.metadata().is_ok_and(|found| is_open(&found)) {
            self.file = append(&self.path)?;
        }
        Ok(())
    }

    fn report_lost(&self) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::error!(flag = self.flag, file = %self.path.display(), lost, "lines are missing in the \
                 file");
        }
    }
}

/// What can be cut off at its end.
trait Cut {
    /// Takes away the last `bytes`.
    fn cut(&mut self, bytes: u64) -> io::Result<()>;
}

impl Cut for File {
    fn cut(&mut self, bytes: u64) -> io::Result<()> {
        let length = self.metadata()?.len();
        self.set_len(length.saturating_sub(bytes))
    }
}

/// Writes `lines`, and says how many of them there are now. A disk that gets full takes a part of a line: that
/// is cut off again, or the next line would be appended to it, and both would be lost to whoever reads them.
fn write_lines(file: &mut (impl Write + Cut), lines: &[u8]) -> (u64, io::Result<()>) {
    let mut written = 0;
    while written < lines.len() {
        let error = match file.write(&lines[written..]) {
            Ok(0) => ErrorKind::WriteZero.into(),
            Ok(more) => {
                written += more;
                continue;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        let taken = &lines[..written];
        let whole = taken.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if whole < written {
            // What has no length, such as a pipe, cannot be cut.
            let _ = file.cut((written - whole) as u64);
        }
        return (count_lines(taken), Err(error));
    }
    (count_lines(lines), Ok(()))
}

fn count_lines(text: &[u8]) -> u64 {
    text.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests;
