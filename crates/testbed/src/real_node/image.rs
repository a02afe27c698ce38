//! Images without a registry and without an engine: some files of this machine in one layer, in the
//! form of `docker save`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::network::output_of;

/// Nobody on this machine, as in the images of the repository.
const USER: &str = "65532:65532";

/// What is in an image, and what runs in it.
#[derive(Debug, Clone)]
pub struct Image {
    name: String,
    entrypoint: Vec<String>,
    /// By the path in the image, the file of this machine.
    files: BTreeMap<String, PathBuf>,
    /// What else is in it: the contents of a folder.
    root: Option<PathBuf>,
    /// The path in it of a program that is there without what only debuggers read: each container has a copy.
    stripped: Option<String>,
}

impl Image {
    /// An empty image that runs the program at a path in it. `name` has a tag, as in `localhost/app:1`.
    #[must_use]
    pub fn of_files(name: &str, entrypoint: &str) -> Self {
        let entrypoint = vec![entrypoint.to_owned()];
        Self { name: name.to_owned(), entrypoint, files: BTreeMap::new(), root: None, stripped: None }
    }

    /// An image of what is in a folder, which runs a program of it with these arguments.
    #[must_use]
    pub fn of_folder(name: &str, root: &Path, command: &[&str]) -> Self {
        let entrypoint = command.iter().map(ToString::to_string).collect();
        Self {
            name: name.to_owned(),
            entrypoint,
            files: BTreeMap::new(),
            root: Some(root.to_owned()),
            stripped: None,
        }
    }

    /// Adds a file of this machine at an absolute path in the image.
    #[must_use]
    pub fn file(mut self, path: &str, source: &Path) -> Self {
        self.files.insert(path.to_owned(), source.to_owned());
        self
    }

    /// An image with a program of this machine and the libraries that it is linked with, at the paths
    /// that they have here; the program itself at `/NAME`. So a program from a developer's build runs in a
    /// container without a static build of its own.
    pub fn of_program(name: &str, program: &Path) -> anyhow::Result<Self> {
        let file = program.file_name().and_then(|file| file.to_str()).context("the program has no name")?;
        let entrypoint = format!("/{file}");
        let mut image = Self::of_files(name, &entrypoint).file(&entrypoint, program);
        image.stripped = Some(entrypoint);
        // It fails for a program without libraries, which says the same as an empty list.
        let linked = Command::new("ldd").arg(program).output().context("cannot run ldd")?;
        let linked = String::from_utf8_lossy(&linked.stdout).into_owned();
        let libraries = linked.lines().filter_map(library);
        Ok(libraries.fold(image, |image, path| image.file(path, Path::new(path))))
    }

    /// The name with its tag.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes the archive. Blocks.
    pub(super) fn write(&self, archive: &Path) -> anyhow::Result<()> {
        let folder = archive.with_extension("parts");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let written = self.write_parts(&folder, archive);
        fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        written.with_context(|| format!("cannot make image {}", self.name))
    }

    fn write_parts(&self, folder: &Path, archive: &Path) -> anyhow::Result<()> {
        let root = folder.join("root");
        if let Some(source) = &self.root {
            output_of(Command::new("cp").arg("--archive").arg(source).arg(&root))?;
        }
        for (path, source) in &self.files {
            let target = root.join(path.trim_start_matches('/'));
            let Some(parent) = target.parent() else { bail!("{path} is not a file in an image") };
            fs::create_dir_all(parent)?;
            fs::copy(source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
            fs::set_permissions(&target, fs::Permissions::from_mode(0o755))?;
        }
        if let Some(path) = &self.stripped {
            output_of(Command::new("strip").arg(root.join(path.trim_start_matches('/'))))?;
        }
        let layer = folder.join("layer.tar");
        tar(&layer, &root, &["."])?;
        let config = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": {"Entrypoint": self.entrypoint, "User": USER},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&fs::read(&layer)?))]},
        });
        let manifest = json!([{"Config": "config.json", "RepoTags": [self.name], "Layers": ["layer.tar"]}]);
        fs::write(folder.join("config.json"), config.to_string())?;
        fs::write(folder.join("manifest.json"), manifest.to_string())?;
        tar(archive, folder, &["manifest.json", "config.json", "layer.tar"])
    }
}

/// The file in a line of `ldd`: `libc.so.6 => /lib/x/libc.so.6 (0x…)`, or the loader's path alone.
fn library(line: &str) -> Option<&str> {
    let line = line.trim();
    let path = line.split_once("=> ").map_or(line, |(_, path)| path);
    path.split_whitespace().next().filter(|path| path.starts_with('/'))
}

fn tar(archive: &Path, folder: &Path, files: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("tar");
    command.arg("--create").arg("--file").arg(archive).arg("--directory").arg(folder);
    // The same files make the same image, whoever writes them and when.
    command.args(["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"]).args(files);
    output_of(&mut command).map(drop)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// This machine's, by the name that images give it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::super::network::output_of;
    use super::{Image, library};

    #[test]
    fn libraries_are_read_from_ldd() {
        let libc = "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f941b53e000)";
        assert_eq!(library(libc), Some("/lib/x86_64-linux-gnu/libc.so.6"));
        let loader = "\t/lib64/ld-linux-x86-64.so.2 (0x00007f941bd84000)";
        assert_eq!(library(loader), Some("/lib64/ld-linux-x86-64.so.2"));
        assert_eq!(library("\tlinux-vdso.so.1 (0x00007f941bd82000)"), None);
        assert_eq!(library("\tstatically linked"), None);
    }

    #[test]
    fn an_archive_has_a_manifest_and_the_files_where_they_belong() {
        let temporary = tempfile::tempdir().unwrap();
        let archive = temporary.path().join("image.tar");
        let image =
            Image::of_files("localhost/words:1", "/bin/words").file("/bin/words", Path::new("/etc/passwd"));
        image.write(&archive).unwrap();
        let names = output_of(Command::new("tar").arg("--list").arg("--file").arg(&archive)).unwrap();
        assert_eq!(names.lines().collect::<Vec<_>>(), ["manifest.json", "config.json", "layer.tar"]);
        let layer = "tar --extract --to-stdout --file \"$0\" layer.tar | tar --list";
        let files = output_of(Command::new("sh").args(["-c", layer]).arg(&archive)).unwrap();
        assert!(files.lines().any(|line| line == "./bin/words"), "{files}");
        let first = std::fs::read(&archive).unwrap();
        image.write(&archive).unwrap();
        // The outer archive's times are set as well.
        assert_eq!(first, std::fs::read(&archive).unwrap());
    }
}
