//! Certificate files in a folder, as a mounted Secret or cert-manager leaves them there.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::pair::Pair;
use super::{AUTHORITY, CERTIFICATE, CertificateFiles, CertificateVault, KEY, Kept};

/// A folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("certificate directory {path}: {problem}", path = path.display())]
pub struct FolderError {
    path: PathBuf,
    problem: String,
}

/// A folder with `tls.crt`, `tls.key` and, where the authority is known, `ca.crt`; or one in which
/// they can be written.
pub struct CertificateFolder(PathBuf);

impl CertificateFolder {
    /// Opens the folder, and makes it where it is missing.
    ///
    /// # Errors
    /// Where what it holds cannot be used, or where it is empty and nothing can be written there.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let folder = Self(path.to_owned());
        folder.look().map_err(|problem| FolderError { path: path.to_owned(), problem })?;
        Ok(folder)
    }

    fn look(&self) -> Result<(), String> {
        std::fs::create_dir_all(&self.0)
            .map_err(|error| format!("it cannot be created: {error}; name another with --cert-dir"))?;
        match self.files()? {
            Some(files) => Pair::of(&files)
                .map(|_| ())
                .map_err(|problem| format!("{problem}; put a certificate with its key there")),
            None => self.probe().map_err(|error| {
                format!(
                    "it has no {CERTIFICATE} and {KEY}, and none can be created there: {error}; put them there, \
                     make it writable, or name another with --cert-dir"
                )
            }),
        }
    }

    /// Whether files can be written.
    fn probe(&self) -> std::io::Result<()> {
        let path = self.0.join(format!(".{}.new", std::process::id()));
        write_private(&path, b"")?;
        std::fs::remove_file(path)
    }

    fn files(&self) -> Result<Option<CertificateFiles>, String> {
        let found = (self.file(CERTIFICATE)?, self.file(KEY)?);
        let authority = self.file(AUTHORITY)?.filter(|pem| !pem.is_empty());
        match found {
            (Some(certificate), Some(key)) => Ok(Some(CertificateFiles { certificate, key, authority })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(format!("it has {CERTIFICATE} and no {KEY}; put both there")),
            (None, Some(_)) => Err(format!("it has {KEY} and no {CERTIFICATE}; put both there")),
        }
    }

    fn file(&self, name: &str) -> Result<Option<Vec<u8>>, String> {
        match std::fs::read(self.0.join(name)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{name} cannot be read: {error}; make it readable for the operator")),
        }
    }

    fn keep(&self, files: CertificateFiles) -> std::io::Result<()> {
        for (name, text) in files.into_data() {
            // A file is there as a whole or not at all, whenever it is looked at.
            let new = self.0.join(format!(".{name}.new"));
            write_private(&new, &text)?;
            std::fs::rename(new, self.0.join(name))?;
        }
        Ok(())
    }
}

/// Files of some kilobytes are read and written where the loop stands; nothing else waits there.
impl CertificateVault for CertificateFolder {
    fn name(&self) -> String {
        format!("certificate directory {}", self.0.display())
    }

    fn read(&self) -> BoxFuture<'_, Result<Option<Kept>, String>> {
        async { Ok(self.files()?.map(|files| Kept { files, version: None })) }.boxed()
    }

    fn write(&self, files: CertificateFiles, _version: Option<String>) -> BoxFuture<'_, Result<(), String>> {
        async { self.keep(files).map_err(|error| format!("nothing can be written there: {error}")) }.boxed()
    }
}

/// Writes a file that only its owner reads.
fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600).open(path)?.write_all(text)
}
