//! One page in the browser: opened, asked by script, typed into, and pictured.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Device;
use super::devtools::Devtools;
use crate::wait;

/// How long anything on a page may take, on a machine that is busy.
const LIMIT: Duration = Duration::from_secs(90);

/// Counts the colours of a picture, as its file shows them: from the file back to pixels.
const LOOK_AT_PICTURE: &str = "(async () => {
  const image = new Image();
  image.src = 'data:image/png;base64,PICTURE';
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer);
  return [image.width, image.height, new Set(pixels).size];
})()";

/// One page.
#[derive(Debug)]
pub struct Page {
    devtools: Arc<Devtools>,
    session: String,
}

/// A picture of a page that was taken and stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Width in device pixels.
    pub width: u64,
    /// Height in device pixels.
    pub height: u64,
    /// How many colours there are; one where nothing was drawn.
    pub colours: u64,
    /// Size of the file.
    pub bytes: usize,
}

impl Page {
    pub(super) async fn new(devtools: Arc<Devtools>, device: Device) -> anyhow::Result<Self> {
        // In a window of its own: a page behind another one does not run at full speed.
        let new = json!({ "url": "about:blank", "newWindow": true });
        let target = devtools.ask(None, "Target.createTarget", new).await?["targetId"].take();
        let attach = json!({ "targetId": target, "flatten": true });
        let attached = devtools.ask(None, "Target.attachToTarget", attach).await?;
        let session = attached["sessionId"].as_str().context("a session without a name")?.to_owned();
        let page = Self { devtools, session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.ask(&format!("{domain}.enable"), json!({})).await?;
        }
        page.show_as(device).await?;
        Ok(page)
    }

    /// Shows it as another device does.
    pub async fn show_as(&self, device: Device) -> anyhow::Result<()> {
        let Device { width, height, scale, phone, dark } = device;
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone });
        self.ask("Emulation.setDeviceMetricsOverride", metrics).await?;
        self.ask("Emulation.setTouchEmulationEnabled", json!({ "enabled": phone })).await?;
        self.ask("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await?;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask("Emulation.setEmulatedMedia", features).await.map(drop)
    }

    /// Whether pages may run script; most people's may.
    pub async fn allow_script(&self, allowed: bool) -> anyhow::Result<()> {
        self.ask("Emulation.setScriptExecutionDisabled", json!({ "value": !allowed })).await.map(drop)
    }

    /// Opens an address and waits until everything that belongs to it is loaded. What
    /// [`errors`](Self::errors) and [`requests`](Self::requests) report begins again.
    pub async fn open(&self, url: &str) -> anyhow::Result<()> {
        self.devtools.forget(&self.session);
        let answer = self.ask("Page.navigate", json!({ "url": url })).await?;
        if let Some(error) = answer["errorText"].as_str() {
            bail!("cannot open {url}: {error}");
        }
        // Until it has taken its place, the page before it answers. Without a loader it is that page.
        if let Some(loader) = answer["loaderId"].as_str() {
            let look = || async { self.has_taken_its_place(loader).then_some(()) };
            wait::until(&format!("{url} in place of the page before it"), LIMIT, look).await?;
        }
        self.wait_for("the page to be loaded", "true").await.map(drop)
    }

    fn has_taken_its_place(&self, loader: &str) -> bool {
        let reported = self.devtools.reported(&self.session);
        reported.iter().any(|reported| {
            reported.method == "Page.frameNavigated" && reported.params["frame"]["loaderId"] == loader
        })
    }

    /// The value of an expression of JavaScript, a promise's once it has one.
    pub async fn evaluate(&self, script: &str) -> anyhow::Result<Value> {
        let asked = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.ask("Runtime.evaluate", asked).await?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            let said = thrown["exception"]["description"].as_str().or(thrown["text"].as_str());
            bail!("{script}: {}", said.unwrap_or("threw"));
        }
        Ok(answer["result"]["value"].take())
    }

    /// Waits until the page is loaded and an expression is neither false, null, 0 nor empty; gives
    /// its value.
    pub async fn wait_for(&self, what: &str, script: &str) -> anyhow::Result<Value> {
        // An address is that of the new page long before the page is all there.
        let wanted = format!("(document.readyState === 'complete' && ({script}) || null)");
        let look = || async {
            // While one page makes room for another there is nothing to ask.
            match self.evaluate(&wanted).await {
                Ok(Value::Null) => Err("not yet".to_owned()),
                Ok(value) => Ok(value),
                Err(error) => Err(error.to_string()),
            }
        };
        wait::until(what, LIMIT, look).await
    }

    /// Types text where the focus is.
    pub async fn type_text(&self, text: &str) -> anyhow::Result<()> {
        self.ask("Input.insertText", json!({ "text": text })).await.map(drop)
    }

    /// Presses a key, `Enter` or `Tab`, and lets go of it. Waits for the page to be drawn first, as
    /// browsers ignore the keys of people who cannot see yet what they do.
    pub async fn press(&self, key: &str) -> anyhow::Result<()> {
        self.wait_for("the page to be drawn", "performance.getEntriesByType('paint').length").await?;
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            other => bail!("no key is called {other}"),
        };
        for kind in [if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" {
                event["text"] = json!(text);
            }
            self.ask("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    /// Stores a picture of what is visible, or of the `whole` page, as PNG, and looks at the file.
    pub async fn picture(&self, file: &Path, whole: bool) -> anyhow::Result<Picture> {
        let asked = json!({ "format": "png", "captureBeyondViewport": whole });
        let asked = if whole { with_clip(asked, &self.extent().await?) } else { asked };
        let answer = self.ask("Page.captureScreenshot", asked).await?;
        let text = answer["data"].as_str().context("a picture without data")?;
        let bytes = STANDARD.decode(text).context("a picture that is no base64")?;
        std::fs::write(file, &bytes).with_context(|| format!("cannot write {}", file.display()))?;
        // On an empty page: the one pictured may forbid such a thing.
        let empty = Self::new(Arc::clone(&self.devtools), Device::DESKTOP).await?;
        let seen = empty.evaluate(&LOOK_AT_PICTURE.replace("PICTURE", text)).await?;
        empty.ask("Page.close", json!({})).await?;
        let number = |index: usize| seen[index].as_u64().context("an odd picture");
        Ok(Picture { width: number(0)?, height: number(1)?, colours: number(2)?, bytes: bytes.len() })
    }

    async fn extent(&self) -> anyhow::Result<Value> {
        Ok(self.ask("Page.getLayoutMetrics", json!({})).await?["cssContentSize"].take())
    }

    /// Whatever went wrong since the page was opened: errors and warnings on the console,
    /// exceptions, loads that failed or were forbidden. What was given up, as by a page that makes
    /// room for another, went not wrong.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        let wrong = |method: &str, params: &Value| match method {
            "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if matches!(params["type"].as_str(), Some("error" | "warning")) => {
                Some(params["args"].to_string())
            }
            "Log.entryAdded" if matches!(params["entry"]["level"].as_str(), Some("error" | "warning")) => {
                Some(format!("{}: {}", params["entry"]["text"], params["entry"]["url"]))
            }
            "Network.loadingFailed" if !was_given_up(params) => {
                Some(format!("not loaded: {} {}", params["errorText"], params["blockedReason"]))
            }
            _ => None,
        };
        let reported = self.devtools.reported(&self.session);
        reported.iter().filter_map(|reported| wrong(&reported.method, &reported.params)).collect()
    }

    /// The addresses that were asked for since the page was opened.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        let reported = self.devtools.reported(&self.session);
        let sent = reported.iter().filter(|reported| reported.method == "Network.requestWillBeSent");
        sent.filter_map(|reported| Some(reported.params["request"]["url"].as_str()?.to_owned())).collect()
    }

    async fn ask(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.devtools.ask(Some(&self.session), method, params).await
    }
}

/// Whether a load that did not end was cancelled, and not forbidden.
fn was_given_up(failed: &Value) -> bool {
    failed["canceled"] == true && failed["blockedReason"].is_null()
}

fn with_clip(mut asked: Value, extent: &Value) -> Value {
    asked["clip"] =
        json!({ "x": 0, "y": 0, "width": extent["width"], "height": extent["height"], "scale": 1 });
    asked
}
