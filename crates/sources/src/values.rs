//! Values and how they are written: settings, names, quantities, selectors, paths into JSON. Pure.

pub(crate) mod fault;
pub(crate) mod headers;
pub(crate) mod json_path;
pub(crate) mod label_selector;
pub(crate) mod names;
pub(crate) mod settings;
pub(crate) mod text;
pub(crate) mod url;
