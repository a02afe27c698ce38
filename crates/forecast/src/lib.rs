//! What a load will be in a little while, and whether to believe it.
//!
//! ```text
//!  readings ─▶ History (means of 5 min, 3 weeks) ─▶ FitJob ─▶ Fitted (seasons, curve)     every 6 h, off the hot path
//!           └▶ Trend (Holt, every reading)                       │
//!                   └────────────▶ Forecaster ◀──────────────────┘
//!                                      └▶ Outlook: a value, or why there is none
//! ```
//!
//! Four models say what the load will be a horizon from now: that nothing changes, a trend, the same time of an
//! earlier day or week, and seasons with trend (MSTL over AutoETS, by the library `augurs`). Each is held against what
//! came, all the time. The best of late is used, and only while it is clearly better than "nothing changes": otherwise
//! there is no forecast, and the reason is given.
//!
//! Memory is bounded: 6,048 numbers of 4 bytes for three weeks, and a few hundred forecasts that wait for their time.
//! The crate is pure: time is an argument, and fitting is a value that can be sent to another thread.

mod fit;
mod forecaster;
mod history;
mod lookout;
mod score;
mod trend;

pub use fit::{FitJob, Fitted};
pub use forecaster::{Forecaster, Settings};
pub use lookout::Lookout;
