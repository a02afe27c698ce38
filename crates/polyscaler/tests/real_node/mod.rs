//! The product in real containers on a real node, as a cluster runs it: its image, its chart, its ServiceAccount,
//! its Services. Left out, with a line that says why, where there can be no such node.

mod chart;
mod cluster;
mod cooldown;
mod days;
mod demo;
mod endings;
mod http_app;
mod load;
mod loads;
mod metrics_server;
mod prometheus;
mod steps;
