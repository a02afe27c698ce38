//! What a backtest writes: whole files, or none.

use std::io;
use std::path::Path;

use anyhow::Context as _;
use backtest::report::Report;
use tempfile::NamedTempFile;

/// A folder that can be written to, found out before anything takes time.
pub(crate) struct Folder<'a> {
    path: &'a Path,
    /// What is written and not yet in its place.
    files: Vec<(&'static str, NamedTempFile)>,
    /// What an earlier run may have left and this one does not write.
    gone: Vec<&'static str>,
}

impl<'a> Folder<'a> {
    /// Makes the folder where it is missing.
    ///
    /// # Errors
    /// Where it cannot be made or written to.
    pub(crate) fn open(path: &'a Path) -> anyhow::Result<Self> {
        let advice = || format!("--out {}: cannot be written; name a writable directory", path.display());
        std::fs::create_dir_all(path).with_context(advice)?;
        // Rights alone do not say whether a file can be made.
        NamedTempFile::new_in(path).with_context(advice)?;
        Ok(Self { path, files: Vec::new(), gone: Vec::new() })
    }

    /// Writes a file, which is seen under its name only with all others.
    pub(crate) fn add(
        &mut self,
        name: &'static str,
        write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        let context = || format!("{} cannot be written", self.path.join(name).display());
        let file = NamedTempFile::new_in(self.path).with_context(context)?;
        let mut buffered = io::BufWriter::new(file);
        write(&mut buffered).with_context(context)?;
        let file = buffered.into_inner().map_err(io::IntoInnerError::into_error).with_context(context)?;
        file.as_file().sync_all().with_context(context)?;
        // A temporary file is its owner's alone; a report is for everybody who may look into the folder.
        readable(&file).with_context(context)?;
        self.files.push((name, file));
        Ok(())
    }

    /// Leaves no file of this name from an earlier run.
    pub(crate) fn without(&mut self, name: &'static str) {
        self.gone.push(name);
    }

    /// Puts all files in their places.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        // What cannot take its place is found out before the first of them does.
        let names = self.files.iter().map(|(name, _)| *name).chain(self.gone.iter().copied());
        for place in names.map(|name| self.path.join(name)) {
            anyhow::ensure!(!place.is_dir(), "{} cannot be written: it is a folder", place.display());
        }
        for place in self.gone.iter().map(|name| self.path.join(name)).filter(|place| place.exists()) {
            std::fs::remove_file(&place).with_context(|| format!("{} cannot be removed", place.display()))?;
        }
        for (name, file) in self.files {
            let place = self.path.join(name);
            file.persist(&place).with_context(|| format!("{} cannot be written", place.display()))?;
        }
        Ok(())
    }
}

#[cfg(unix)]
fn readable(file: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_: &NamedTempFile) -> io::Result<()> {
    Ok(())
}

/// The three files of a report.
pub(crate) fn write(folder: Folder<'_>, report: &Report<'_>) -> anyhow::Result<()> {
    let mut folder = folder;
    folder.add("summary.json", |out| {
        serde_json::to_writer_pretty(&mut *out, &report.summary())?;
        out.write_all(b"\n")
    })?;
    folder.add("timeline.csv", |out| report.write_timeline(out))?;
    folder.add("report.html", |out| out.write_all(report.html().as_bytes()))?;
    folder.finish()
}
