//! How a real browser shows a report: at phone and desktop width, light and dark, zoomed and asked for reasons.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testbed::{Browser, Device, Page};

use crate::command_line::backtest::SCALER;
use crate::command_line::{Files, polyscaler};

const DEVICES: [(&str, Device); 4] = [
    ("desktop-light", Device::DESKTOP),
    ("desktop-dark", Device::DESKTOP.dark()),
    ("phone-light", Device::PHONE),
    ("phone-dark", Device::PHONE.dark()),
];

/// What is wrong with the layout: whatever makes the page scroll sideways.
const LAYOUT: &str = "(() => {
  const wrong = [];
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`scrolls sideways: ${document.documentElement.scrollWidth}`);
  for (const element of document.querySelectorAll('body *:not(.scroll *):not(pre *)')) {
    const box = element.getBoundingClientRect();
    if (box.width && box.right > innerWidth + 0.5 && !element.closest('svg')) wrong.push(element.outerHTML.slice(0, 80));
  }
  return wrong;
})()";

fn picture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("reports");
    std::fs::create_dir_all(&folder).unwrap();
    folder.join(format!("{name}.png"))
}

/// A report of a week with two manifests, a fixed count and perfect knowledge.
fn report(files: &Files) -> String {
    let (scaler, workload) = (
        files.write("scaler.yaml", SCALER),
        files.write("workload.yaml", "capacity: 100\nstartup: 60s\nslo: {latency: 100ms}\n"),
    );
    let roomy = files.write("roomy.yaml", SCALER.replace("targetValue: 100", "targetValue: 60"));
    let out = files.0.path().join("out");
    let shown = out.display().to_string();
    let against = format!("{roomy},static:9,oracle");
    let arguments = [
        "backtest",
        "-f",
        &scaler,
        "--load",
        "make:weekly,days=7,peak=900",
        "--workload",
        &workload,
        "--against",
        &against,
        "--out",
        &shown,
    ];
    let ran = polyscaler(&arguments).output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    format!("file://{}", out.join("report.html").display())
}

async fn value(page: &Page, script: &str) -> Value {
    page.evaluate(script).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_whole_on_every_device() {
    let files = Files::new();
    let url = report(&files);
    let browser = Browser::start().await.unwrap();
    for (name, device) in DEVICES {
        let page = browser.page(device).await.unwrap();
        page.open(&url).await.unwrap();
        assert_eq!(value(&page, LAYOUT).await, json!([]), "{name}");
        let panels = value(&page, "[...document.querySelectorAll('.panel')].map(panel => panel.querySelector('h3').firstChild.data)").await;
        assert_eq!(panels, json!(["load (requests)", "web", "web@roomy", "static:9", "oracle"]), "{name}");
        let drawn = value(
            &page,
            "[...document.querySelectorAll('.panel svg')].map(svg =>
            [...svg.querySelectorAll('.line-load, .line-ready')].every(path => path.getTotalLength() > 200))",
        )
        .await;
        assert_eq!(drawn, json!([true, true, true, true, true]), "{name}");
        let shaded =
            value(&page, "document.querySelectorAll('.panel')[1].querySelectorAll('.shade').length").await;
        assert!(shaded.as_u64().unwrap() > 3, "{name}: violations are shaded: {shaded}");
        let rows = value(&page, "document.querySelectorAll('.scores tbody tr').length").await;
        assert_eq!(rows, 19, "{name}");
        let taken = page.picture(&picture(&format!("report-{name}")), true).await.unwrap();
        assert!(taken.colours > 50 && taken.bytes > 20_000, "{name}: {taken:?}");
        println!("{}", picture(&format!("report-{name}")).display());
        assert_eq!(page.errors(), Vec::<String>::new(), "{name}");
        assert!(
            page.requests().iter().all(|asked| asked.starts_with("file://") || asked.starts_with("data:")),
            "{:?}",
            page.requests()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_answer_and_time_can_be_zoomed() {
    let files = Files::new();
    let url = report(&files);
    let browser = Browser::start().await.unwrap();
    let page = browser.page(Device::DESKTOP).await.unwrap();
    page.open(&url).await.unwrap();
    let range = "document.getElementById('range').textContent";
    let whole = value(&page, range).await;
    value(&page, "document.getElementById('in').click(); document.getElementById('in').click(); 0").await;
    page.wait_for("a shorter range", &format!("{range} !== {whole}")).await.unwrap();
    let event = |kind: &str| {
        format!(
            "(() => {{ const svg = document.querySelectorAll('.panel svg')[1], mark = svg.querySelector('[data-decision]').getBoundingClientRect();
              svg.dispatchEvent(new PointerEvent('{kind}', {{ clientX: mark.x + mark.width / 2, clientY: mark.y, pointerType: 'mouse', bubbles: true }})); return 0; }})()"
        )
    };
    value(&page, &event("pointermove")).await;
    page.wait_for("a tip", "!document.getElementById('tip').hidden").await.unwrap();
    let tip = value(&page, "document.getElementById('tip').innerText").await;
    let tip = tip.as_str().unwrap();
    for part in ["load", "needed", "web", "static:9", "ready", "slo "] {
        assert!(tip.contains(part), "{part} in {tip}");
    }
    value(&page, &event("pointerdown")).await;
    value(&page, &event("pointerup")).await;
    page.wait_for("the reason", "!document.querySelectorAll('.why')[1].hidden").await.unwrap();
    let why = value(&page, "document.querySelectorAll('.why')[1].innerText").await;
    assert!(why.as_str().unwrap().contains(" → ") && why.as_str().unwrap().contains("slo "), "{why}");
    value(&page, "document.getElementById('all').click(); 0").await;
    page.wait_for("the whole range", &format!("{range} === {whole}")).await.unwrap();
    page.allow_script(false).await.unwrap();
    page.open(&url).await.unwrap();
    assert_eq!(page.errors(), Vec::<String>::new());
}
