//! Values and how they are written: settings, names, quantities, selectors, paths into JSON. Pure.

pub(crate) mod exposition;
pub(crate) mod fault;
pub(crate) mod headers;
pub(crate) mod json_path;
pub(crate) mod label_selector;
pub(crate) mod location;
pub(crate) mod names;
pub(crate) mod settings;
pub(crate) mod text;
pub(crate) mod url;
pub(crate) mod xml;
