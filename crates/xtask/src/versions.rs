//! Versions that stand in more than one place, where nothing but this holds them together.

use std::path::Path;

use anyhow::Context as _;

/// A line of a file that names a version.
struct Place {
    file: &'static str,
    /// What stands before the version, on its line.
    before: &'static str,
}

const VERSION: Place = Place { file: "Cargo.toml", before: "version = \"" };
const TOOLCHAIN: Place = Place { file: "rust-toolchain.toml", before: "channel = \"" };

/// The places that repeat one.
const REPEATED: [(Place, Place); 11] = [
    (VERSION, Place { file: "charts/polyscaler/Chart.yaml", before: "version: " }),
    (VERSION, Place { file: "charts/polyscaler/Chart.yaml", before: "appVersion: \"" }),
    (VERSION, Place { file: "config/manager/manager.yaml", before: "image: polyscaler:" }),
    (VERSION, Place { file: "Makefile", before: "IMG ?= polyscaler:" }),
    (TOOLCHAIN, Place { file: "Dockerfile", before: "ARG RUST_VERSION=" }),
    (TOOLCHAIN, Place { file: "hack/tests.Dockerfile", before: "ARG RUST_VERSION=" }),
    (VERSION, Place { file: "examples/http-app/deployment.yaml", before: "image: http-app:" }),
    (TOOLCHAIN, Place { file: "examples/Dockerfile", before: "ARG RUST_VERSION=" }),
    (VERSION, Place { file: "examples/worker/deployment.yaml", before: "image: worker:" }),
    (VERSION, Place { file: "examples/event-queue/deployment.yaml", before: "image: event-queue:" }),
    (VERSION, Place { file: "examples/order-queue/deployment.yaml", before: "image: order-queue:" }),
];

/// The places that name another version than the one they repeat.
pub(crate) fn problems(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    for (first, repeated) in &REPEATED {
        let (wanted, found) = (first.read(root)?, repeated.read(root)?);
        if wanted != found {
            problems.push(format!(
                "{}: {}{found}, but {} says {wanted}",
                repeated.file, repeated.before, first.file
            ));
        }
    }
    Ok(problems)
}

impl Place {
    fn read(&self, root: &Path) -> anyhow::Result<String> {
        let text = std::fs::read_to_string(root.join(self.file)).with_context(|| self.file.to_owned())?;
        self.find(&text).with_context(|| format!("{}: no line with {:?}", self.file, self.before))
    }

    fn find(&self, text: &str) -> Option<String> {
        let rest = text.lines().find_map(|line| line.trim_start().strip_prefix(self.before))?;
        Some(rest.trim_end().trim_end_matches('"').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{REPEATED, TOOLCHAIN, VERSION};

    #[test]
    fn versions_are_found_on_their_lines() {
        assert_eq!(VERSION.find("[package]\nversion = \"1.2.3\"\n").unwrap(), "1.2.3");
        assert_eq!(TOOLCHAIN.find("channel = \"1.95.0\"").unwrap(), "1.95.0");
        let (_, image) = &REPEATED[2];
        assert_eq!(image.find("      - name: manager\n        image: polyscaler:1.2.3\n").unwrap(), "1.2.3");
        assert_eq!(image.find("image: other:1"), None);
    }
}
