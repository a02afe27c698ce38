//! Looks at a file again and again. Its content is compared, not its times: a mounted ConfigMap
//! swaps symlinks, editors rename, and some file systems do not announce a change.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::watch;

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// A file that is longer is none that people write.
const LONGEST: u64 = 1 << 20;

/// The bytes of the file, or why there are none.
pub(crate) type Content = Result<Vec<u8>, String>;

/// Reads the file.
pub(crate) fn read(path: &Path) -> Content {
    // Whoever opens a pipe waits for one who writes, for ever, and gets what it says only once.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return Err("not a regular file, and it must be readable repeatedly".to_owned());
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.len() as u64 > LONGEST => Err(format!("longer than {LONGEST} bytes")),
        Ok(_) => Ok(bytes),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

/// Sends the content of the file whenever it changes, until no receiver is left.
pub(crate) async fn follow(path: PathBuf, sender: watch::Sender<Content>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = sender.closed() => return,
        }
        let place = path.clone();
        // A disk that hangs must hold up nothing else.
        let Ok(content) = tokio::task::spawn_blocking(move || read(&place)).await else { continue };
        sender.send_if_modified(|before| {
            let is_new = *before != content;
            if is_new {
                *before = content;
            }
            is_new
        });
    }
}
