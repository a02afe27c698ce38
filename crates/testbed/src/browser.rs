//! A real browser, Debian's chromium without a window, for tests that look at pages as
//! people do: at a given size, light or dark, with the page's own script running.
//!
//! It gets its commands over two named pipes, so that no port is open and it ends by itself
//! when its holder is gone.

mod devtools;
mod page;

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use serde_json::json;

use crate::programs::{self, CHROMIUM};
use crate::supervisor::Supervisor;
use devtools::Devtools;
pub use page::{Page, Picture};

/// Connects the pipes to the file descriptors at which the browser expects them.
const WITH_PIPES: &str = "exec \"$@\" 3<commands 4>answers";

/// The device that a page is looked at with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Device {
    /// Width of the page in CSS pixels.
    pub width: u32,
    /// Height of the visible part in CSS pixels.
    pub height: u32,
    /// Device pixels for one CSS pixel, in each direction.
    pub scale: f64,
    /// Whether it is a phone: touched, and without scroll bars that take room.
    pub phone: bool,
    /// Whether its owner prefers dark colours.
    pub dark: bool,
}

impl Device {
    /// A screen on a desk, light.
    pub const DESKTOP: Self = Self { width: 1280, height: 800, scale: 1.0, phone: false, dark: false };
    /// A phone, light.
    pub const PHONE: Self = Self { width: 390, height: 844, scale: 2.0, phone: true, dark: false };

    /// The same with dark colours preferred.
    #[must_use]
    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }
}

/// One running browser. It ends with this value and its pages, and what it stored goes.
#[derive(Debug)]
pub struct Browser {
    devtools: Arc<Devtools>,
    supervisor: Arc<Supervisor>,
}

impl Browser {
    /// Starts one and waits until it answers. Installs chromium where it is missing and
    /// that is allowed; otherwise the error says what to install.
    pub async fn start() -> anyhow::Result<Self> {
        let program =
            tokio::task::spawn_blocking(|| programs::ensure(&CHROMIUM, &mut |line| eprintln!("{line}")));
        let program = program.await.context("looking for chromium panicked")??;
        let supervisor = Arc::new(Supervisor::new("polyscaler-browser")?);
        let directory = supervisor.directory().to_owned();
        let devtools = Devtools::open(&supervisor, &directory)?;
        let (shell, arguments) = command(&program, &directory);
        let home = directory.display().to_string();
        // Whatever it keeps for itself goes with the folder.
        let env = ["HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"].map(|name| (name, home.as_str()));
        supervisor.spawn(devtools::PROCESS, shell, arguments, &env)?;
        let devtools = Arc::new(devtools);
        devtools.ask(None, "Browser.getVersion", json!({})).await.context("chromium does not start")?;
        Ok(Self { devtools, supervisor })
    }

    /// An empty page, as `device` shows it.
    pub async fn page(&self, device: Device) -> anyhow::Result<Page> {
        Page::new(Arc::clone(&self.devtools), device).await
    }

    /// The temporary folder, with the log in `chromium.log`.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.supervisor.directory()
    }
}

/// The program and its arguments.
fn command(program: &Path, directory: &Path) -> (&'static str, Vec<String>) {
    let mut arguments = vec!["-c".to_owned(), WITH_PIPES.to_owned(), "chromium".to_owned()];
    arguments.push(program.display().to_string());
    arguments.push(format!("--user-data-dir={}", directory.join("profile").display()));
    let flags = [
        "--headless=new",
        "--remote-debugging-pipe",
        "--disable-gpu",
        // Containers often have little shared memory.
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-crash-reporter",
        "--disable-default-apps",
        "--disable-extensions",
        "--disable-sync",
        "--no-first-run",
        "--no-proxy-server",
        "--hide-scrollbars",
        "--force-color-profile=srgb",
        // Coloured edges of letters differ from machine to machine.
        "--disable-lcd-text",
        "--lang=en-US",
    ];
    arguments.extend(flags.map(str::to_owned));
    if rustix::process::geteuid().is_root() {
        // It refuses to run as root otherwise. It sees pages of tests only.
        arguments.push("--no-sandbox".to_owned());
    }
    arguments.push("about:blank".to_owned());
    ("/bin/sh", arguments)
}
