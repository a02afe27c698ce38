//! Files on the operator's own disk, below one folder and nowhere else.

use std::path::{Component, Path, PathBuf};

use engine::Credential;
use tokio::io::AsyncReadExt as _;

use super::Values;

/// Largest file that is read.
const LONGEST: u64 = 1024 * 1024;

/// Reads files.
pub(super) struct Files {
    root: Option<PathBuf>,
}

impl Files {
    /// Reads none.
    pub(super) fn none() -> Self {
        Self { root: None }
    }

    /// Reads those below `root`.
    pub(super) fn below(root: PathBuf) -> Self {
        Self { root: Some(root) }
    }

    /// The whole content of the file at `path`, relative to the root.
    pub(super) async fn read(&self, path: &str) -> Result<Values, String> {
        let Some(root) = &self.root else {
            return Err("this operator reads no files: it has no --filepath-auth-root-path".to_owned());
        };
        let relative = Path::new(path);
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if path.is_empty() || !relative.components().all(is_plain) {
            return Err("must be a path below --filepath-auth-root-path, without ..".to_owned());
        }
        let failed = |error: std::io::Error| format!("it cannot be read: {}", error.kind());
        let root = tokio::fs::canonicalize(root).await.map_err(failed)?;
        // A link within the folder may lead elsewhere within it, as in a mounted secret.
        let place = tokio::fs::canonicalize(root.join(relative)).await.map_err(failed)?;
        if !place.starts_with(&root) {
            return Err("it leads out of --filepath-auth-root-path".to_owned());
        }
        let file = tokio::fs::File::open(&place).await.map_err(failed)?;
        if !file.metadata().await.map_err(failed)?.is_file() {
            return Err("it is not a regular file".to_owned());
        }
        let mut content = Vec::new();
        file.take(LONGEST + 1).read_to_end(&mut content).await.map_err(failed)?;
        if content.len() as u64 > LONGEST {
            return Err(format!("it is larger than {} KiB", LONGEST / 1024));
        }
        Ok(Values::from([(Credential::WHOLE.to_owned(), content)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn contract_7_only_files_below_the_root_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("..data")).unwrap();
        std::fs::write(root.join("..data/token"), "s3cret").unwrap();
        std::fs::write(folder.path().join("outside"), "hidden").unwrap();
        std::os::unix::fs::symlink("..data/token", root.join("token")).unwrap();
        std::os::unix::fs::symlink("../outside", root.join("out")).unwrap();
        let files = Files::below(root.clone());
        let content = files.read("token").await.unwrap();
        assert_eq!(content[Credential::WHOLE], b"s3cret");
        assert_eq!(files.read("./token").await, Ok(content));
        for (path, words) in [
            ("out", "leads out"),
            ("../outside", "without .."),
            ("..data/../../outside", "without .."),
            ("/etc/passwd", "without .."),
            ("", "without .."),
            ("..data", "not a regular file"),
            ("none", "not found"),
        ] {
            let error = files.read(path).await.unwrap_err();
            assert!(error.contains(words) && !error.contains("hidden"), "{path}: {error}");
        }
        std::fs::write(root.join("large"), vec![b'x'; LONGEST as usize + 1]).unwrap();
        assert!(files.read("large").await.unwrap_err().contains("larger than 1024 KiB"));
        assert!(Files::none().read("token").await.is_err());
    }
}
