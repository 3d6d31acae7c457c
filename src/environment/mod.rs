//! TODO essay

pub mod fit;
pub mod form;
pub mod needs;
pub mod read;
pub mod secrets;
pub mod settings;
pub mod version;
pub mod windows;
