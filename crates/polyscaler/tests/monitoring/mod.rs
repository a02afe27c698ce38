//! Dashboard and alerts on the real Prometheus that scrapes the real operator on a real control plane.

mod alerts;
mod files;
mod per_object_series;
mod queries;
